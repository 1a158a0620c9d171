"""The page of the retention."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from curation import tasks
from curation.ml.calls import Call
from curation.models import Application, Job, Query
from curation.models.jobs import JobKind, Trigger
from curation.selectors import retention as selectors
from tests.curation.services.test_retention import arrive
from tests.curation.traffic import make_cluster, make_clustering


@pytest.fixture
def client(client_of: dict[str, Client], application: Application) -> Client:
    return client_of["administrator"]


def test_what_a_limit_would_delete_is_shown_before(client: Client, application: Application) -> None:
    for days in (50, 40, 1):
        arrive(application, days)
    assert "all queries are kept" in client.get(reverse("retention")).content.decode()
    client.post(reverse("retention"), {"keep_days": "30"})
    application.refresh_from_db()
    assert application.keep_days == 30
    assert "<strong>2 queries</strong>" in client.get(reverse("retention")).content.decode()
    client.post(reverse("retention"), {"keep_days": ""})
    application.refresh_from_db()
    assert application.keep_days is None


def test_no_more_is_counted_than_needed(
    client: Client, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selectors, "COUNT_CAP", 2)
    for days in (50, 40, 35):
        arrive(application, days)
    client.post(reverse("retention"), {"keep_days": "30"})
    assert "More than 2 queries" in client.get(reverse("retention")).content.decode()


@pytest.mark.parametrize("days", ["0", "-3", "many", "9" * 20])
def test_a_number_of_days_that_cannot_be_is_told(days: str, client: Client, application: Application) -> None:
    answer = client.post(reverse("retention"), {"keep_days": days})
    assert 'class="error"' in answer.content.decode()
    application.refresh_from_db()
    assert application.keep_days is None


def test_old_queries_are_deleted_now(client: Client, application: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    queued: list[int] = []
    monkeypatch.setattr(tasks.purge, "delay_on_commit", queued.append)
    assert client.post(reverse("purge"))["Location"] == reverse("retention"), "everything is kept"
    Application.objects.filter(pk=application.pk).update(keep_days=30)
    assert client.post(reverse("purge"))["Location"] == reverse("jobs")
    job = Job.objects.get()
    assert (job.kind, job.trigger, queued) == (JobKind.PURGE, Trigger.PAGE, [job.pk])


def test_a_cluster_whose_samples_are_gone_still_opens(client: Client, application: Application) -> None:
    query = arrive(application, 50)
    assert query.call == Call("play", {"artist": "Can"})
    cluster = make_cluster(make_clustering(application), "play {artist}", [query])
    Query.objects.all().delete()
    assert client.get(reverse("cluster", args=[cluster.pk])).status_code == 200
