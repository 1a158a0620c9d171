"""Celery tasks: load the row, call the service."""

from __future__ import annotations

import logging

from celery import shared_task

from curation.errors import OdiaError
from curation.models import Application, Job, RouterDecision
from curation.services.jobs import job_run
from training.models import DistillationRun, Student
from training.services.audits import audit_inline
from training.services.evaluations import evaluate_student

logger = logging.getLogger(__name__)

AUDITS_IN_A_ROUND = 40


@shared_task
def distil(run_id: int) -> None:
    """Distil a student and evaluate it. Runs in the queue `training`."""
    # Pages import this module to queue tasks, and must not load torch.
    from training.services.distillation import run_execute

    run_execute(run=DistillationRun.objects.select_related("job", "dataset__tool_set", "application").get(pk=run_id))


@shared_task
def evaluate(job_id: int) -> None:
    """Evaluate the student that the job names."""
    job = Job.objects.get(pk=job_id)
    student = Student.objects.select_related("dataset", "application").get(pk=job.parameters["student"])
    job_run(job=job, work=lambda report: {"evaluation": evaluate_student(student=student, report=report).pk})


@shared_task
def audit() -> None:
    """Ask the teachers about the inline answers that are due. The schedule runs it every few seconds."""
    due = RouterDecision.objects.filter(audit_due=True).values("application")
    for application in Application.objects.filter(pk__in=due, teacher__isnull=False):
        try:
            audit_inline(application=application, limit=AUDITS_IN_A_ROUND)
        except OdiaError as error:
            logger.warning("The audits of %s wait: %s", application.slug, error)
