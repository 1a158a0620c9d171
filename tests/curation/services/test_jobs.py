from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.utils import timezone

from curation.errors import OdiaError
from curation.models import Application, Job
from curation.models.jobs import JobKind, Trigger
from curation.services.jobs import (
    MOST_ATTEMPTS,
    SILENT_SECONDS,
    Report,
    job_cancel,
    job_create,
    job_run,
    jobs_recover,
    running,
)
from curation.services.jobs.locks import job_lock


@pytest.fixture
def job(application: Application) -> Job:
    return job_create(application=application, kind=JobKind.CLUSTER, trigger=Trigger.PAGE)


def test_a_job_keeps_what_it_made(job: Job) -> None:
    def work(report: Report) -> dict[str, Any]:
        report("Counting", 0.5, "half way")
        assert Job.objects.get().phase == "Counting"
        return {"clustering": 3}

    done = job_run(job=job, work=work)
    assert (done.state, done.result, done.progress) == ("done", {"clustering": 3}, 1.0)


def test_the_same_job_is_not_started_twice(job: Job, application: Application) -> None:
    with pytest.raises(OdiaError, match="under way already"):
        job_create(application=application, kind=JobKind.CLUSTER, trigger=Trigger.PAGE)
    job_run(job=job, work=lambda report: {})
    assert job_create(application=application, kind=JobKind.CLUSTER, trigger=Trigger.PAGE).state == "queued"


def test_what_cannot_be_done_is_told_in_its_sentence(job: Job) -> None:
    def work(report: Report) -> dict[str, Any]:
        raise OdiaError("There is no traffic yet.")

    failed = job_run(job=job, work=work)
    assert (failed.state, failed.message) == ("failed", "There is no traffic yet.")


def test_a_fault_fails_the_job_and_not_the_worker(job: Job) -> None:
    def work(report: Report) -> dict[str, Any]:
        raise ZeroDivisionError("division by zero")

    failed = job_run(job=job, work=work)
    assert failed.state == "failed"
    assert "ZeroDivisionError" in failed.message


def test_a_running_job_stops_at_its_next_report(job: Job, users: dict[str, User]) -> None:
    def work(report: Report) -> dict[str, Any]:
        job_cancel(job=Job.objects.get(), user=users["reviewer"])
        report("On and on", 0.1)
        raise AssertionError("it went on")

    assert job_run(job=job, work=work).state == "cancelled"


def test_a_cancelled_job_that_has_not_begun_never_begins(job: Job, users: dict[str, User]) -> None:
    assert job_cancel(job=job, user=users["reviewer"]).state == "cancelled"
    assert job_run(job=job, work=lambda report: {"made": 1}).result == {}


def test_a_job_taken_by_one_worker_is_left_alone_by_the_next(job: Job) -> None:
    def work(report: Report) -> dict[str, Any]:
        assert job_run(job=Job.objects.get(), work=lambda report: {"second": 1}).state == "running"
        return {"first": 1}

    assert job_run(job=job, work=work).result == {"first": 1}


@pytest.fixture
def sent() -> list[int]:
    """The keys of the jobs that the sweep sends."""
    return []


def sweep(sent: list[int], *, after_start: bool = False) -> int:
    return jobs_recover(send=lambda job: sent.append(job.pk), after_start=after_start)


def lose_process(job: Job, *, silent: float = SILENT_SECONDS + 1, **fields: Any) -> None:
    """As a process leaves its job that is killed."""
    heard = timezone.now() - timedelta(seconds=silent)
    values = {"task": "curation.tasks.cluster", "state": "running", "attempts": 1, "heartbeat_at": heard, **fields}
    Job.objects.filter(pk=job.pk).update(**values)
    job.refresh_from_db()


def test_a_job_whose_process_died_is_sent_again_and_done(job: Job, sent: list[int]) -> None:
    lose_process(job)
    assert sweep(sent) == 2
    job.refresh_from_db()
    assert (job.state, sent) == ("queued", [job.pk])
    assert job_run(job=job, work=lambda report: {"made": 1}).result == {"made": 1}
    assert job.attempts == 2


def test_a_job_that_was_heard_of_is_left_alone_until_a_worker_starts(job: Job, sent: list[int]) -> None:
    lose_process(job, silent=1)
    assert sweep(sent) == 0
    assert sweep(sent, after_start=True) == 2 and sent == [job.pk]


def test_a_worker_that_gets_a_job_whose_process_died_begins_it_at_once(job: Job) -> None:
    lose_process(job, silent=0)
    assert job_run(job=job, work=lambda report: {"made": 1}).state == "done"


def test_a_silent_job_whose_process_lives_is_not_done_twice(job: Job, sent: list[int]) -> None:
    lose_process(job)
    with job_lock(job.pk) as lock:
        assert lock is not None
        assert sweep(sent, after_start=True) == 0
        assert job_run(job=job, work=lambda report: {"second": 1}).state == "running"
    assert sent == []


def test_what_kills_its_process_every_time_fails_in_the_end(job: Job, sent: list[int]) -> None:
    lose_process(job, attempts=MOST_ATTEMPTS)
    sweep(sent)
    job.refresh_from_db()
    assert (job.state, sent) == ("failed", [])
    assert "its process died each time" in job.message


def test_a_job_of_a_command_that_died_fails_with_a_sentence(job: Job, sent: list[int]) -> None:
    lose_process(job, task="")
    sweep(sent)
    job.refresh_from_db()
    assert (job.state, job.message) == ("failed", "The command that did it died before it was done; run it again.")


def test_a_dead_job_that_shall_stop_is_cancelled(job: Job, sent: list[int]) -> None:
    lose_process(job, cancel_requested=True)
    sweep(sent)
    job.refresh_from_db()
    assert job.state == "cancelled"


def test_a_job_that_no_worker_heard_of_is_sent_again(job: Job, sent: list[int]) -> None:
    Job.objects.update(task="curation.tasks.cluster")
    assert sweep(sent) == 1
    Job.objects.update(sent_at=timezone.now())
    assert sweep(sent) == 0
    assert sweep(sent, after_start=True) == 1
    Job.objects.update(sent_at=timezone.now() - timedelta(minutes=11))
    assert sweep(sent) == 1
    assert sent == [job.pk] * 3


def test_a_job_that_lost_the_database_waits_to_be_begun_again(job: Job) -> None:
    def work(report: Report) -> dict[str, Any]:
        raise OperationalError("server closed the connection unexpectedly")

    Job.objects.update(task="curation.tasks.cluster")
    job.refresh_from_db()
    for attempt in range(1, MOST_ATTEMPTS):
        waiting = job_run(job=job, work=work)
        assert (waiting.state, waiting.attempts, waiting.sent_at) == ("queued", attempt, None)
    assert job_run(job=job, work=work).state == "failed"


def test_a_process_that_lost_its_job_writes_nothing_more(job: Job) -> None:
    def work(report: Report) -> dict[str, Any]:
        Job.objects.update(attempts=2)  # another process has begun it
        report("On and on", 0.1)
        raise AssertionError("it went on")

    after = job_run(job=job, work=work)
    assert (after.state, after.attempts, after.phase) == ("running", 2, "")


def test_a_job_of_a_worker_that_stops_waits_for_the_next_start(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def work(report: Report) -> dict[str, Any]:
        running.jobs_interrupt()
        report("On and on", 0.1)
        raise AssertionError("it went on")

    monkeypatch.setattr(running, "_interrupted", running.RawValue(running.c_bool, False))
    Job.objects.update(task="curation.tasks.cluster")
    job.refresh_from_db()
    stopped = job_run(job=job, work=work)
    assert (stopped.state, stopped.message) == ("queued", "Its worker was stopped; it goes on at the next start.")
    assert stopped.attempts == 0
