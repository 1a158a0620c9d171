"""Reads of jobs."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from django.utils import timezone

from curation.models import Application, Job
from curation.models.jobs import ENDED, JobState

SHOWN = 50
UNDER_WAY = (JobState.QUEUED, JobState.RUNNING)


class JobPage(NamedTuple):
    """Some jobs, newest first, whether older ones follow, and whether any of them is still under way."""

    rows: list[Job]
    has_older: bool
    active: bool


def jobs_of(application: Application, before: int | None = None, kind: str = "", state: str = "") -> JobPage:
    """A page of jobs, older than `before`; an empty kind or state does not narrow it."""
    wanted = {"pk__lt": before, "kind": kind, "state": state}
    rows = application.jobs.select_related("started_by").filter(**{name: it for name, it in wanted.items() if it})
    found = list(rows[: SHOWN + 1])
    return JobPage(found[:SHOWN], len(found) > SHOWN, any(not job.ended for job in found[:SHOWN]))


def jobs_under_way(application: Application) -> int:
    """How many jobs wait or run."""
    return application.jobs.filter(state__in=UNDER_WAY).count()


def duration(job: Job) -> timedelta | None:
    """How long a job has run; None if it has not begun."""
    return (job.finished_at or timezone.now()) - job.started_at if job.started_at else None


def failed_since(application: Application, days: int) -> list[Job]:
    """The failed jobs of the last days that no later job of their kind has made good."""
    recent = application.jobs.filter(created_at__gte=timezone.now() - timedelta(days=days), state__in=ENDED)
    latest: dict[str, Job] = {}
    for job in recent.order_by("-id"):
        latest.setdefault(job.kind, job)
    return [job for job in latest.values() if job.state == JobState.FAILED]
