from __future__ import annotations

from typing import Any

import pytest

from curation.errors import OdiaError
from curation.models import Application, Job
from curation.models.jobs import JobKind, Trigger
from curation.services.jobs import Report, job_cancel, job_create, job_run


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
