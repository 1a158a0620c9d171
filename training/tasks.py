"""Celery tasks: load the row, call the service."""

from __future__ import annotations

import logging
from typing import Any

from celery import shared_task
from django.contrib.auth.models import User

from curation.errors import OdiaError
from curation.models import Application, Job, RouterDecision
from curation.models.jobs import JobKind, Trigger
from curation.services.jobs import Report, job_run
from curation.tasks import start_by_schedule, start_job
from training.models import Dataset, DistillationRun, Student
from training.models.build_choices import BuildChoices
from training.services.audits import audit_inline
from training.services.datasets import dataset_build
from training.services.evaluations import evaluate_student

logger = logging.getLogger(__name__)

AUDITS_IN_A_ROUND = 40


@shared_task
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
    start_by_schedule(Application.objects.filter(pk=application_id), start_build)


@shared_task
def distil(run_id: int) -> None:
    """Distil a student and evaluate it. Runs in the queue `training`."""
    # Pages import this module to queue tasks, and must not load torch.
    from training.services.distillation import run_execute

    run_execute(run=DistillationRun.objects.select_related("job", "dataset__tool_set", "application").get(pk=run_id))


@shared_task
def evaluate(job_id: int) -> None:
    """Evaluate the student that the job names, on its own dataset or on the one that the job names."""
    job = Job.objects.get(pk=job_id)
    student = Student.objects.select_related("dataset", "application").get(pk=job.parameters["student"])
    dataset = Dataset.objects.filter(pk=job.parameters.get("dataset")).first()

    def work(report: Report) -> dict[str, Any]:
        return {"evaluation": evaluate_student(student=student, dataset=dataset, report=report).pk}

    job_run(job=job, work=work)


@shared_task
def audit() -> None:
    """Ask the teachers about the inline answers that are due. The schedule runs it every few seconds."""
    due = RouterDecision.objects.filter(audit_due=True).values("application")
    for application in Application.objects.filter(pk__in=due, teacher__isnull=False):
        try:
            audit_inline(application=application, limit=AUDITS_IN_A_ROUND)
        except OdiaError as error:
            logger.warning("The audits of %s wait: %s", application.slug, error)


def _built(job: Job, report: Report) -> dict[str, Any]:
    """Which dataset came out, and whether there was one with the same examples before."""
    known = set(job.application.datasets.values_list("pk", flat=True))
    choices = BuildChoices.from_json(job.parameters)
    dataset = dataset_build(application=job.application, user=job.started_by, choices=choices, report=report)
    return {"dataset": dataset.pk, "existed": dataset.pk in known}
