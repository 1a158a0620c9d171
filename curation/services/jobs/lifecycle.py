"""A job before and besides its work: created, sent, cancelled, ended."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from curation.errors import NothingToDo
from curation.models import Application, Job
from curation.models.jobs import JobKind, JobState, Trigger
from curation.services.settings_log import change_record

BROKER_AWAY = "The broker does not answer; it starts when the broker is back."
DATABASE_AWAY = "The database did not answer its worker; it starts in a moment."


def job_create(
    *,
    application: Application,
    kind: JobKind,
    trigger: Trigger,
    user: User | None = None,
    parameters: dict[str, Any] | None = None,
    task: str = "",
) -> Job:
    """A job that waits for a worker. `task` names what does it; where it is empty, the calling process does.

    Raises:
        NothingToDo: the same job is waiting or running already.
    """
    try:
        with transaction.atomic():
            return Job.objects.create(
                application=application,
                kind=kind,
                trigger=trigger,
                started_by=user,
                parameters=parameters or {},
                task=task,
            )
    except IntegrityError as error:
        raise NothingToDo(f"The same job is under way already: {JobKind(kind).label.lower()}.") from error


def job_create_unstarted(*, application: Application, kind: JobKind, reason: str) -> Job:
    """A job that the schedule could not start: it has failed already, so that people hear of it."""
    return Job.objects.create(
        application=application,
        kind=kind,
        trigger=Trigger.SCHEDULE,
        state=JobState.FAILED,
        message=reason,
        finished_at=timezone.now(),
    )


def job_mark_sent(*, pk: int) -> None:
    """Its task is about to be queued."""
    Job.objects.filter(pk=pk, state=JobState.QUEUED).update(sent_at=timezone.now(), message="")


def job_mark_unsent(*, pk: int, message: str = BROKER_AWAY) -> None:
    """Its task could not be queued, or not be begun; the next sweep tries again."""
    Job.objects.filter(pk=pk, state=JobState.QUEUED).update(sent_at=None, message=message)


def job_fail_unbegun(*, pk: int, error: Exception) -> None:
    """Its worker could not so much as begin it."""
    message = f"It could not be begun: {type(error).__name__}: {error}"
    waiting = Job.objects.filter(pk=pk, state=JobState.QUEUED)
    waiting.update(state=JobState.FAILED, message=message, finished_at=timezone.now())


@transaction.atomic
def job_cancel(*, job: Job, user: User) -> Job:
    """Ask a job to stop, and record who did; one that has not begun is cancelled at once."""
    waiting = Job.objects.filter(pk=job.pk, state=JobState.QUEUED)
    running = Job.objects.filter(pk=job.pk, state=JobState.RUNNING, cancel_requested=False)
    message = "Cancelled while it waited to go on." if job.attempts else "Cancelled before it began."
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    if waiting.update(state=JobState.CANCELLED, finished_at=timezone.now(), message=message):
        before, after = {"state": JobState.QUEUED}, {"state": JobState.CANCELLED}
    elif running.update(cancel_requested=True):
        before, after = {"cancel_requested": False}, {"cancel_requested": True}
    job.refresh_from_db()
    change_record(user=user, application=job.application, row=job, before=before, after=after)
    return job
