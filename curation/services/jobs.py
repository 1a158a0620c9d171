"""Jobs: created, run with their progress in the database, cancelled."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Protocol

from django.contrib.auth.models import User
from django.db import Error, IntegrityError, connection, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from curation.errors import OdiaError
from curation.models import Application, Job
from curation.models.jobs import JobKind, JobState, Trigger

logger = logging.getLogger(__name__)

WRITE_EVERY_SECONDS = 1.0
HEARTBEAT_SECONDS = 10.0
SILENT_SECONDS = 60.0
"""A running job that has not been heard of for so long has lost its process."""


class JobCancelled(Exception):
    """Somebody asked the job to stop."""


class Report(Protocol):
    """How a job's work tells where it is; raises `JobCancelled` when it shall stop."""

    def __call__(self, phase: str, fraction: float, message: str = "") -> None: ...


def job_create(
    *,
    application: Application,
    kind: JobKind,
    trigger: Trigger,
    user: User | None = None,
    parameters: dict[str, Any] | None = None,
) -> Job:
    """A job that waits for a worker.

    Raises:
        OdiaError: the same job is waiting or running already.
    """
    try:
        with transaction.atomic():
            return Job.objects.create(
                application=application, kind=kind, trigger=trigger, started_by=user, parameters=parameters or {}
            )
    except IntegrityError as error:
        raise OdiaError(f"The same job is under way already: {JobKind(kind).label.lower()}.") from error


def job_hand_over(*, job: Job, send: Callable[[], object]) -> Job:
    """Hand a waiting job to the workers; `send` queues its task.

    Raises:
        OdiaError: the broker does not answer; the job is cancelled, since no worker would ever hear of it.
    """
    try:
        send()
    except BrokerError as error:
        job_cancel(job=job)
        raise OdiaError("The broker does not answer, so no worker can take the job. Run `manage.py doctor`.") from error
    return job


def job_cancel(*, job: Job) -> Job:
    """Ask a job to stop; one that has not begun is cancelled at once."""
    now = timezone.now()
    waiting = Job.objects.filter(pk=job.pk, state=JobState.QUEUED)
    if not waiting.update(state=JobState.CANCELLED, finished_at=now, message="Cancelled before it began."):
        Job.objects.filter(pk=job.pk, state=JobState.RUNNING).update(cancel_requested=True)
    job.refresh_from_db()
    return job


def job_run(*, job: Job, work: Callable[[Report], dict[str, Any]], watch: Report | None = None) -> Job:
    """Do a job's work, with its state, progress and outcome kept in its row.

    `work` returns what it made; `watch` hears each of its reports too. An `OdiaError` becomes the job's sentence;
    any other error is logged too. A job that has ended, or that another worker has taken, is left alone.
    """
    now = timezone.now()
    taken = Job.objects.filter(pk=job.pk, state=JobState.QUEUED).update(
        state=JobState.RUNNING, started_at=now, heartbeat_at=now
    )
    job.refresh_from_db()
    if not taken:
        return job
    try:
        with _heartbeat(job):
            result = work(_reporter(job, watch))
    except JobCancelled:
        _finish(job, JobState.CANCELLED, "Cancelled.")
    except OdiaError as error:
        _finish(job, JobState.FAILED, str(error))
    except Exception as error:
        logger.exception("Job %s failed", job.pk)
        _finish(job, JobState.FAILED, f"It broke off with {type(error).__name__}: {error}")
    else:
        Job.objects.filter(pk=job.pk).update(result=result, progress=1.0)
        _finish(job, JobState.DONE, "")
    job.refresh_from_db()
    return job


def jobs_fail_lost() -> int:
    """Fail the running jobs whose process died; returns how many there were."""
    silent = Job.objects.filter(
        state=JobState.RUNNING, heartbeat_at__lt=timezone.now() - timedelta(seconds=SILENT_SECONDS)
    )
    sentence = "Its process died before it was done; start it again."
    return silent.update(state=JobState.FAILED, message=sentence, finished_at=timezone.now())


@contextmanager
def _heartbeat(job: Job) -> Iterator[None]:
    """Tell every few seconds that the process lives, however long the work is silent."""
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(HEARTBEAT_SECONDS):
            try:
                Job.objects.filter(pk=job.pk).update(heartbeat_at=timezone.now())
            except Error:
                logger.warning("The heartbeat of job %s could not be written.", job.pk)
            finally:
                connection.close()

    thread = threading.Thread(target=beat, name=f"job-{job.pk}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _finish(job: Job, state: JobState, message: str) -> None:
    Job.objects.filter(pk=job.pk).update(state=state, message=message, finished_at=timezone.now())


def _reporter(job: Job, watch: Report | None) -> Report:
    """A report that writes the row at most once a second, and at each new phase."""
    last_phase, last_write = "", 0.0

    def report(phase: str, fraction: float, message: str = "") -> None:
        nonlocal last_phase, last_write
        if watch:
            watch(phase, fraction, message)
        if phase == last_phase and time.monotonic() - last_write < WRITE_EVERY_SECONDS:
            return
        last_phase, last_write = phase, time.monotonic()
        Job.objects.filter(pk=job.pk).update(
            phase=phase[:100], progress=fraction, message=message, heartbeat_at=timezone.now()
        )
        if Job.objects.filter(pk=job.pk, cancel_requested=True).exists():
            raise JobCancelled

    return report
