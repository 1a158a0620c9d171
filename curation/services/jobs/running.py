"""The work of a job: done once at a time, with its state, progress and outcome in its row."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import c_bool
from multiprocessing.sharedctypes import RawValue
from typing import Any, Protocol

from django.db import Error, InterfaceError, OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, QuerySet
from django.utils import timezone

from curation.errors import OdiaError
from curation.models import Job
from curation.models.jobs import JobState
from curation.services.jobs.locks import job_lock
from curation.services.jobs.recovery import MOST_ATTEMPTS, lost_for_good

logger = logging.getLogger(__name__)

WRITE_EVERY_SECONDS = 1.0
HEARTBEAT_SECONDS = 5.0
DYING_SECONDS = 2.0
"""How long PostgreSQL may take to notice that a process which held a lock is dead."""
INTERRUPTED = "Its worker was stopped; it goes on at the next start."
CONNECTION_LOST = "The connection to the database was lost; it goes on in a moment."

_interrupted = RawValue(c_bool, False)  # in memory that a worker shares with the processes that it forks


class JobCancelled(Exception):
    """The job shall stop: somebody asked for it, its worker is being stopped, or another process has it."""


class Report(Protocol):
    """How a job's work tells where it is; raises `JobCancelled` when it shall stop."""

    def __call__(self, phase: str, fraction: float, message: str = "") -> None: ...


def jobs_interrupt() -> None:
    """Have the jobs of this worker stop at their next report, and wait for the next start."""
    _interrupted.value = True


def job_run(*, job: Job, work: Callable[[Report], dict[str, Any]], watch: Report | None = None) -> Job:
    """Do a job's work, with its state, progress and outcome kept in its row.

    `work` returns what it made; `watch` hears each of its reports too. An `OdiaError` becomes the job's sentence;
    any other error is logged too; after an error of the database's the job waits to be begun again. A job that
    has ended, or that a living process works on, is left alone; one whose process died is begun again, so `work`
    must be safe to repeat.
    """
    with job_lock(job.pk, patience=DYING_SECONDS) as lock:
        if lock is not None and _begin(job):
            _Run(job, lock).do(work, watch)
    job.refresh_from_db()
    return job


def _begin(job: Job) -> bool:
    """Take the job, whose lock this process holds; False where there is nothing to do."""
    job.refresh_from_db()
    if job.ended:
        return False
    died = job.state == JobState.RUNNING
    now = timezone.now()
    same = Job.objects.filter(pk=job.pk, state=job.state, attempts=job.attempts)
    if died and job.cancel_requested:
        same.update(state=JobState.CANCELLED, message="Cancelled.", finished_at=now)
        return False
    if died and (reason := lost_for_good(job)):
        same.update(state=JobState.FAILED, message=reason, finished_at=now)
        return False
    taken = same.update(
        state=JobState.RUNNING,
        started_at=job.started_at or now,
        heartbeat_at=now,
        attempts=F("attempts") + 1,
        message="",
    )
    job.refresh_from_db()
    return bool(taken)


class _Run:
    """One attempt at a job. Once another process has begun a later attempt, it writes nothing more."""

    def __init__(self, job: Job, lock: BaseDatabaseWrapper) -> None:
        self.job = job
        self.lock = lock
        self.lock_lost = False
        self.stopped_for = ""

    @property
    def row(self) -> QuerySet[Job]:
        return Job.objects.filter(pk=self.job.pk, state=JobState.RUNNING, attempts=self.job.attempts)

    def do(self, work: Callable[[Report], dict[str, Any]], watch: Report | None) -> None:
        try:
            with self._heartbeat():
                result = work(self._reporter(watch))
        except JobCancelled:
            self._stop()
        except OdiaError as error:
            self._end(JobState.FAILED, str(error))
        except (OperationalError, InterfaceError) as error:
            logger.warning("Job %s lost the database: %s", self.job.pk, error)
            self._lose_database(error)
        except Exception as error:
            logger.exception("Job %s failed", self.job.pk)
            self._end(JobState.FAILED, f"It broke off with {type(error).__name__}: {error}")
        else:
            self.row.update(state=JobState.DONE, result=result, progress=1.0, message="", finished_at=timezone.now())

    def _end(self, state: JobState, message: str) -> None:
        self.row.update(state=state, message=message, finished_at=timezone.now())

    def _wait_again(self, message: str, **changes: Any) -> None:
        self.row.update(state=JobState.QUEUED, sent_at=None, message=message, **changes)

    def _stop(self) -> None:
        """An interruption is nobody's fault and does not count as an attempt."""
        if self.stopped_for == INTERRUPTED:
            self._wait_again(INTERRUPTED, attempts=F("attempts") - 1)
        elif self.stopped_for == CONNECTION_LOST:
            self._wait_again(CONNECTION_LOST)
        else:
            self._end(JobState.CANCELLED, "Cancelled.")

    def _lose_database(self, error: Error) -> None:
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        try:
            if self.job.task and self.job.attempts < MOST_ATTEMPTS:
                self._wait_again(CONNECTION_LOST)
            else:
                self._end(JobState.FAILED, f"The database broke it off: {error}")
        except (OperationalError, InterfaceError):
            logger.warning("Job %s is left to the sweep: the database is still away.", self.job.pk)

    @contextmanager
    def _heartbeat(self) -> Iterator[None]:
        """Tell every few seconds that the process lives, however long the work is silent."""
        stop = threading.Event()
        thread = threading.Thread(target=self._beat, args=[stop], name=f"job-{self.job.pk}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _beat(self, stop: threading.Event) -> None:
        """On the connection of the lock: where that is gone, so is the lock."""
        while not stop.wait(HEARTBEAT_SECONDS):
            try:
                with self.lock.cursor() as cursor:
                    cursor.execute("UPDATE curation_job SET heartbeat_at = now() WHERE id = %s", [self.job.pk])
            except Error:
                logger.warning("Job %s lost its lock and stops.", self.job.pk)
                self.lock_lost = True
                return

    def _reporter(self, watch: Report | None) -> Report:
        """A report that writes the row at most once a second, and at each new phase."""
        last_phase, last_write = "", 0.0

        def report(phase: str, fraction: float, message: str = "") -> None:
            nonlocal last_phase, last_write
            if watch:
                watch(phase, fraction, message)
            if phase == last_phase and time.monotonic() - last_write < WRITE_EVERY_SECONDS:
                return
            last_phase, last_write = phase, time.monotonic()
            written = self.row.update(
                phase=phase[:100], progress=fraction, message=message, heartbeat_at=timezone.now()
            )
            self._stop_if_asked(bool(written))

        return report

    def _stop_if_asked(self, still_ours: bool) -> None:
        """Raises JobCancelled."""
        if self.lock_lost:
            self.stopped_for = CONNECTION_LOST
        elif _interrupted.value and self.job.task:
            self.stopped_for = INTERRUPTED
        elif still_ours and not self.row.filter(cancel_requested=True).exists():
            return
        raise JobCancelled
