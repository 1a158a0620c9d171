"""The page of the jobs."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from kombu.exceptions import OperationalError

from curation import tasks
from curation.models import Application, Job
from curation.models.jobs import JobKind, JobState, Trigger
from curation.selectors.jobs import failed_since


def make_job(application: Application, state: JobState, **values: Any) -> Job:
    return Job.objects.create(
        application=application, kind=JobKind.CLUSTER, trigger=Trigger.PAGE, state=state, **values
    )


def test_the_list_asks_again_only_while_a_job_is_under_way(
    client_of: dict[str, Client], application: Application
) -> None:
    job = make_job(application, JobState.RUNNING)
    assert 'hx-trigger="every 2s"' in client_of["viewer"].get(reverse("jobs")).content.decode()
    Job.objects.filter(pk=job.pk).update(state=JobState.DONE)
    assert "hx-trigger" not in client_of["viewer"].get(reverse("jobs")).content.decode()


def test_a_failed_job_says_why(client_of: dict[str, Client], application: Application) -> None:
    make_job(application, JobState.FAILED, message="There is no traffic yet.")
    assert "There is no traffic yet." in client_of["viewer"].get(reverse("jobs")).content.decode()


def test_clustering_is_started_once(
    client_of: dict[str, Client], application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued: list[int] = []
    monkeypatch.setattr(tasks.cluster, "delay_on_commit", queued.append)
    client_of["reviewer"].post(reverse("job_start"))
    again = client_of["reviewer"].post(reverse("job_start"), follow=True)
    job = Job.objects.get()
    assert queued == [job.pk]
    assert job.started_by is not None
    assert "under way already" in again.content.decode()


def test_a_broker_that_is_away_is_said_and_leaves_no_waiting_job(
    client_of: dict[str, Client], application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(pk: int) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(tasks.cluster, "delay_on_commit", refuse)
    answer = client_of["reviewer"].post(reverse("job_start"), follow=True)
    assert "The broker does not answer" in answer.content.decode()
    assert Job.objects.get().state == JobState.CANCELLED


def test_a_waiting_job_is_cancelled(client_of: dict[str, Client], application: Application) -> None:
    job = make_job(application, JobState.QUEUED)
    client_of["approver"].post(reverse("job_cancel", args=[job.pk]))
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED


def test_a_failure_that_was_made_good_needs_nobody(application: Application) -> None:
    failed = make_job(application, JobState.FAILED)
    assert failed_since(application, days=7) == [failed]
    make_job(application, JobState.DONE)
    assert failed_since(application, days=7) == []


def test_the_list_takes_few_queries(
    client_of: dict[str, Client], application: Application, django_assert_max_num_queries: Any
) -> None:
    for _ in range(30):
        make_job(application, JobState.DONE)
    with django_assert_max_num_queries(8):
        client_of["viewer"].get(reverse("jobs"))
