from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from kombu.exceptions import OperationalError

from curation.errors import OdiaError
from curation.models import Application, Job
from curation.models.jobs import JobKind, Trigger
from curation.services.jobs import (
    SILENT_SECONDS,
    Report,
    job_cancel,
    job_create,
    job_hand_over,
    job_run,
    jobs_fail_lost,
)


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


def test_a_running_job_stops_at_its_next_report(job: Job) -> None:
    def work(report: Report) -> dict[str, Any]:
        job_cancel(job=Job.objects.get())
        report("On and on", 0.1)
        raise AssertionError("it went on")

    assert job_run(job=job, work=work).state == "cancelled"


def test_a_cancelled_job_that_has_not_begun_never_begins(job: Job) -> None:
    assert job_cancel(job=job).state == "cancelled"
    assert job_run(job=job, work=lambda report: {"made": 1}).result == {}


def test_a_job_taken_by_one_worker_is_left_alone_by_the_next(job: Job) -> None:
    def work(report: Report) -> dict[str, Any]:
        assert job_run(job=Job.objects.get(), work=lambda report: {"second": 1}).state == "running"
        return {"first": 1}

    assert job_run(job=job, work=work).result == {"first": 1}


def test_a_job_whose_process_died_is_failed_and_can_be_started_again(job: Job, application: Application) -> None:
    fresh = timezone.now()
    Job.objects.update(state="running", heartbeat_at=fresh)
    assert jobs_fail_lost() == 0
    Job.objects.update(heartbeat_at=fresh - timedelta(seconds=SILENT_SECONDS + 1))
    assert jobs_fail_lost() == 1
    job.refresh_from_db()
    assert (job.state, job.message) == ("failed", "Its process died before it was done; start it again.")
    assert job_create(application=application, kind=JobKind.CLUSTER, trigger=Trigger.PAGE).state == "queued"


def test_without_a_broker_the_job_is_cancelled_and_the_person_told(job: Job) -> None:
    def send() -> None:
        raise OperationalError("connection refused")

    with pytest.raises(OdiaError, match="The broker does not answer"):
        job_hand_over(job=job, send=send)
    job.refresh_from_db()
    assert job.state == "cancelled"
