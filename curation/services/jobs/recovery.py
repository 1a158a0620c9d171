"""Jobs whose process or message was lost: taken up again, or failed with a sentence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from curation.models import Job
from curation.models.jobs import JobState
from curation.services.jobs.locks import job_lock

SILENT_SECONDS = 30.0
"""A running job that has not been heard of for so long may have lost its process."""
UNHEARD_SECONDS = 600.0
"""The message of a job that has waited for so long may be lost; sent twice, it is still done once."""
COMMAND_SECONDS = 60.0
"""A command begins the job that it makes at once."""
MOST_ATTEMPTS = 6
PROCESS_DIED = "Its process died; it goes on as soon as a worker is free."
COMMAND_DIED = "The command that did it died before it was done; run it again."


def jobs_recover(*, send: Callable[[Job], object], after_start: bool = False) -> int:
    """Have the jobs done that nobody works on any more; returns how many were taken up, failed or sent again.

    `send` queues a job's task. `after_start`: workers were just started, or the broker was; then no message and
    no heartbeat of before counts.
    """
    now = timezone.now()
    lost = Job.objects.filter(state=JobState.RUNNING)
    waiting = Job.objects.filter(state=JobState.QUEUED).exclude(task="")
    if not after_start:
        lost = lost.filter(heartbeat_at__lt=now - timedelta(seconds=SILENT_SECONDS))
        waiting = waiting.filter(Q(sent_at=None) | Q(sent_at__lt=now - timedelta(seconds=UNHEARD_SECONDS)))
    found = sum(map(_take_up, lost)) + _fail_abandoned()
    jobs = list(waiting)
    for job in jobs:
        send(job)
    return found + len(jobs)


def lost_for_good(job: Job) -> str:
    """Why a job whose process died is not begun again; empty where it is."""
    if not job.task:
        return COMMAND_DIED
    if job.attempts >= MOST_ATTEMPTS:
        return f"It was begun {job.attempts} times and its process died each time; the worker’s log says more."
    return ""


def _take_up(job: Job) -> bool:
    """Whether the job's process is dead, so that something had to be done."""
    with job_lock(job.pk) as lock:
        if lock is None:
            return False
        same = Job.objects.filter(pk=job.pk, state=JobState.RUNNING, attempts=job.attempts)
        return bool(_set_aside(same, job))


def _set_aside(same: QuerySet[Job], job: Job) -> int:
    now = timezone.now()
    if job.cancel_requested:
        return same.update(state=JobState.CANCELLED, message="Cancelled.", finished_at=now)
    if reason := lost_for_good(job):
        return same.update(state=JobState.FAILED, message=reason, finished_at=now)
    return same.update(state=JobState.QUEUED, sent_at=None, message=PROCESS_DIED)


def _fail_abandoned() -> int:
    """Jobs of commands that ended between making the job and beginning it."""
    old = timezone.now() - timedelta(seconds=COMMAND_SECONDS)
    abandoned = Job.objects.filter(state=JobState.QUEUED, task="", created_at__lt=old)
    return abandoned.update(state=JobState.FAILED, message=COMMAND_DIED, finished_at=timezone.now())
