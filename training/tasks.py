"""Celery tasks: load the row, call the service."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from celery import shared_task
from django.contrib.auth.models import User
from django.utils import timezone

from curation.errors import OdiaError
from curation.models import Application, ForgottenUser, Job, RouterDecision
from curation.models.jobs import JobKind, Trigger
from curation.services.jobs import Report, job_run
from curation.tasks import JobTask, start_by_schedule, start_job
from training.models import Dataset, DistillationRun, Student
from training.models.build_choices import BuildChoices
from training.selectors.aliases import evaluated_live
from training.selectors.drift import with_news
from training.services.audits import audit_inline
from training.services.datasets import dataset_build
from training.services.evaluations import evaluate_student
from training.services.forgetting import user_forget
from training.services.live_drawing import USUAL_DAYS
from training.services.live_evaluation import evaluate_live, require_enough_live

logger = logging.getLogger(__name__)

AUDITS_IN_A_ROUND = 40


@shared_task(base=JobTask)
def build(job_id: int) -> None:
    """Build a dataset with the choices that the job names."""
    job = Job.objects.select_related("application", "started_by").get(pk=job_id)
    job_run(job=job, work=lambda report: _built(job, report))


def start_build(*, application: Application, trigger: Trigger, user: User | None = None) -> Job:
    """Have a dataset built from everything that is approved; raises as `start_job`."""
    return start_job(task=build, application=application, kind=JobKind.BUILD, trigger=trigger, user=user)


@shared_task
def build_scheduled(application_id: int) -> None:
    """Have a dataset built because the schedule says so. Where nothing is new, the one that is there stays."""
    start_by_schedule(Application.objects.filter(pk=application_id), JobKind.BUILD, start_build)


@shared_task(base=JobTask)
def distil(job_id: int) -> None:
    """Distil a student and evaluate it. Runs in the queue `training`."""
    # Pages import this module to queue tasks, and must not load torch.
    from training.services.distillation import run_execute

    run_execute(run=DistillationRun.objects.select_related("job", "dataset__tool_set", "application").get(job=job_id))


@shared_task
def distil_scheduled(application_id: int) -> None:
    """Have a student distilled because the schedule says so. What was learned from is not learned from again."""
    # How a run is started rests on this module.
    from training.starting import start_distillation

    start_by_schedule(Application.objects.filter(pk=application_id), JobKind.DISTIL, start_distillation)


@shared_task(base=JobTask)
def evaluate(job_id: int) -> None:
    """Evaluate what the job names: a student on a dataset, or students on the live traffic of some days."""
    job = Job.objects.get(pk=job_id)
    evaluated = _evaluated_live if "students" in job.parameters else _evaluated
    job_run(job=job, work=lambda report: evaluated(job, report))


def start_live_evaluation(
    *, application: Application, trigger: Trigger, user: User | None = None, days: int = USUAL_DAYS
) -> Job:
    """Have champion and challenger held against the same queries of the days before now.

    Raises:
        OdiaError: there is neither, too few queries are a fair picture of the traffic, or as `start_job`.
    """
    students = evaluated_live(application)
    if not students:
        raise OdiaError("No student meets the traffic: there is neither a champion nor a challenger to evaluate.")
    require_enough_live(students=students, window_from=timezone.now() - timedelta(days=days))
    return start_job(
        task=evaluate,
        application=application,
        kind=JobKind.EVALUATE,
        trigger=trigger,
        user=user,
        parameters={"students": [student.pk for student in students], "days": days},
    )


@shared_task
def evaluate_scheduled(application_id: int) -> None:
    """Have champion and challenger evaluated on live traffic because the schedule says so."""
    start_by_schedule(Application.objects.filter(pk=application_id), JobKind.EVALUATE, start_live_evaluation)


@shared_task(base=JobTask)
def forget(job_id: int) -> None:
    """Delete everything that the user has said whom the job's deletion names."""
    job = Job.objects.select_related("application").get(pk=job_id)
    forgotten = ForgottenUser.objects.select_related("application", "asked_by").get(pk=job.parameters["deletion"])
    job_run(job=job, work=lambda report: user_forget(forgotten=forgotten, report=report))


@shared_task(base=JobTask)
def drift(job_id: int) -> None:
    """Look for drift in the traffic of the job's application."""
    # Pages import this module to queue tasks, and must not load the libraries of machine learning.
    from training.services.drift import drift_look

    job = Job.objects.select_related("application").get(pk=job_id)
    job_run(job=job, work=lambda report: {"drift": drift_look(application=job.application, report=report).pk})


def start_drift(*, application: Application, trigger: Trigger, user: User | None = None) -> Job:
    """Have the traffic of the last day looked at for drift; raises as `start_job`."""
    return start_job(task=drift, application=application, kind=JobKind.DRIFT, trigger=trigger, user=user)


@shared_task
def drift_scheduled() -> None:
    """Have every application looked at that had traffic since it was last. Runs every four hours."""
    start_by_schedule(with_news(), JobKind.DRIFT, start_drift)


@shared_task
def audit() -> None:
    """Ask the teachers about the inline answers that are due. The schedule runs it every few seconds."""
    due = RouterDecision.objects.filter(audit_due=True).values("application")
    for application in Application.objects.filter(pk__in=due, teacher__isnull=False):
        try:
            audit_inline(application=application, limit=AUDITS_IN_A_ROUND)
        except OdiaError as error:
            logger.warning("The audits of %s wait: %s", application.slug, error)
        except Exception:  # what is wrong with one application stops no other
            logger.exception("The audits of %s broke off", application.slug)


@shared_task
def autopilot() -> None:
    """Take the next steps of every application whose autopilot is on. The schedule runs it every minute."""
    # The tick starts jobs, so it rests on this module.
    from training.autopilot import tick_all

    tick_all()


def _evaluated(job: Job, report: Report) -> dict[str, Any]:
    student = Student.objects.select_related("dataset", "application").get(pk=job.parameters["student"])
    dataset = Dataset.objects.filter(pk=job.parameters.get("dataset")).first()
    return {"evaluation": evaluate_student(student=student, dataset=dataset, report=report).pk}


def _evaluated_live(job: Job, report: Report) -> dict[str, Any]:
    """On what came before the job was started, however long it waited."""
    rows = Student.objects.select_related("dataset", "application", "tool_set").in_bulk(job.parameters["students"])
    evaluations = evaluate_live(
        students=[rows[pk] for pk in job.parameters["students"]],
        window_from=job.created_at - timedelta(days=job.parameters["days"]),
        window_to=job.created_at,
        report=report,
    )
    return {"evaluations": [evaluation.pk for evaluation in evaluations]}


def _built(job: Job, report: Report) -> dict[str, Any]:
    """Which dataset came out, and whether there was one with the same examples before."""
    known = set(job.application.datasets.values_list("pk", flat=True))
    choices = BuildChoices.from_json(job.parameters)
    dataset = dataset_build(application=job.application, user=job.started_by, choices=choices, report=report)
    return {"dataset": dataset.pk, "existed": dataset.pk in known}
