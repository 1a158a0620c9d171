from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.utils import timezone

from curation import tasks
from curation.errors import OdiaError
from curation.models import Application, Job, Query
from curation.models.jobs import JobKind, JobState, Trigger
from curation.selectors.jobs import failed_since
from curation.services.applications import application_ensure, teacher_set
from curation.services.jobs import job_create
from odia_site.job_health import examine_jobs
from tests.curation.services.test_retention import arrive
from tests.curation.traffic import make_query


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The keys of the jobs handed to the workers."""
    keys: list[int] = []
    for task in (tasks.cluster, tasks.label, tasks.purge):
        monkeypatch.setattr(task, "delay_on_commit", keys.append)
    return keys


def test_the_schedule_starts_a_job_as_a_person_would(application: Application, queued: list[int]) -> None:
    tasks.cluster_scheduled(application_id=application.pk)
    job = Job.objects.get()
    assert (job.kind, job.trigger, job.started_by) == (JobKind.CLUSTER, Trigger.SCHEDULE, None)
    assert queued == [job.pk]


def test_the_schedule_does_nothing_while_the_same_job_is_under_way(
    application: Application, queued: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    job = job_create(application=application, kind=JobKind.CLUSTER, trigger=Trigger.PAGE)
    with caplog.at_level(logging.INFO, logger="curation.tasks"):
        tasks.cluster_scheduled(application_id=application.pk)
    assert queued == []
    assert "under way already" in caplog.text
    assert Job.objects.get() == job


def test_an_application_that_is_gone_is_passed_over(application: Application, queued: list[int]) -> None:
    tasks.cluster_scheduled(application_id=application.pk + 1)
    assert queued == []


def test_every_night_each_application_with_a_limit_is_purged(application: Application, queued: list[int]) -> None:
    application_ensure(slug="keeps-everything")
    application.keep_days = 10
    application.save()
    tasks.purge_scheduled()
    job = Job.objects.get()
    assert (job.application, job.kind, job.trigger) == (application, JobKind.PURGE, Trigger.SCHEDULE)
    assert queued == [job.pk]


def test_a_purge_tells_what_it_deleted(application: Application) -> None:
    application.keep_days = 10
    application.save()
    arrive(application, 20)
    arrive(application, 1)
    job = job_create(application=application, kind=JobKind.PURGE, trigger=Trigger.PAGE)
    tasks.purge(job.pk)
    job.refresh_from_db()
    assert (job.state, job.result["queries"]) == (JobState.DONE, 1)
    assert Query.objects.get().arrived_at > timezone.now() - timedelta(days=2)


def test_a_purge_without_a_limit_fails_with_a_sentence(application: Application) -> None:
    job = job_create(application=application, kind=JobKind.PURGE, trigger=Trigger.PAGE)
    tasks.purge(job.pk)
    job.refresh_from_db()
    assert (job.state, job.message.partition(":")[0]) == (JobState.FAILED, "Nothing is deleted")


def test_the_schedule_asks_about_what_has_no_answer_and_is_silent_where_all_have(
    application: Application, queued: list[int]
) -> None:
    teacher_set(application=application, base_url="http://127.0.0.1:9/v1", model="large")
    tasks.label_scheduled(application_id=application.pk)
    assert (queued, Job.objects.exists()) == ([], False)
    make_query(application, "play Can", answered=False)
    tasks.label_scheduled(application_id=application.pk)
    job = Job.objects.get()
    assert (job.kind, job.trigger, queued) == (JobKind.LABEL, Trigger.SCHEDULE, [job.pk])


def test_scheduled_work_that_cannot_start_is_a_failed_job_that_says_why(
    application: Application, queued: list[int]
) -> None:
    make_query(application, "play Can", answered=False)
    tasks.label_scheduled(application_id=application.pk)
    job = Job.objects.get()
    assert (job.kind, job.trigger, job.state) == (JobKind.LABEL, Trigger.SCHEDULE, JobState.FAILED)
    assert "has no teacher" in job.message
    assert queued == []
    assert failed_since(application, days=1) == [job], "it needs a person"
    assert job.message in examine_jobs(served={"io"})[1].sentence, "the doctor tells of it"


def test_one_application_that_cannot_start_stops_no_other(application: Application, queued: list[int]) -> None:
    other = application_ensure(slug="weather")
    for one in (application, other):
        make_query(one, "play Can", answered=False)
    teacher_set(application=other, base_url="http://127.0.0.1:9/v1", model="large")
    tasks.start_by_schedule(Application.objects.order_by("pk"), JobKind.LABEL, tasks.start_newest)
    assert queued == [Job.objects.get(application=other, state=JobState.QUEUED).pk]
    assert Job.objects.get(application=application).state == JobState.FAILED


def test_where_everything_is_kept_no_purge_is_started(application: Application, queued: list[int]) -> None:
    with pytest.raises(OdiaError, match="no number of days is set"):
        tasks.start_purge(application=application, trigger=Trigger.COMMAND)
    assert (queued, Job.objects.exists()) == ([], False)
