"""Reads of the run pages."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from curation.models import Application, Job
from curation.models.jobs import JobState
from training.models import DistillationRun, Evaluation

RUNS_SHOWN = 100


def runs_of(application: Application) -> QuerySet[DistillationRun]:
    """An application's runs, the newest first, with the figures of their students' latest evaluations."""
    latest = Evaluation.objects.filter(student__run=OuterRef("pk")).order_by("-id")
    return (
        DistillationRun.objects.filter(application=application)
        .select_related("job__started_by", "dataset", "student")
        .defer("curve", "log")
        .annotate(figures=Subquery(latest.values("figures")[:1]))
    )


def duration(job: Job) -> timedelta | None:
    """How long a job has run, or ran."""
    if job.started_at is None:
        return None
    return (job.finished_at or timezone.now()) - job.started_at


def time_left(job: Job) -> timedelta | None:
    """How long a running job still takes if it goes on as fast; None while nobody can know."""
    spent = duration(job)
    if spent is None or job.state != JobState.RUNNING or job.progress < 0.02:
        return None
    return spent * (1 - job.progress) / job.progress
