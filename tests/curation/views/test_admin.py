"""The admin console: lists to read, actions that start jobs, nothing that breaks history."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from curation import tasks
from curation.ml.calls import Call
from curation.models import Application, Cluster, Job, Query
from curation.models.jobs import Trigger
from tests.curation.traffic import make_cluster, make_clustering, make_query, student_decision

MODELS = sorted(model._meta.model_name or "" for model in admin.site._registry if model._meta.app_label == "curation")


@pytest.fixture
def console(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.fixture
def query(application: Application) -> Query:
    call = Call("play", {"artist": "Can"})
    query = make_query(application, "play Can", call, decision=student_decision(call))
    make_cluster(make_clustering(application), "play {artist}", [query])
    return query


def test_the_models_of_curation_are_there() -> None:
    assert {"application", "cluster", "job", "query", "review"} <= set(MODELS)


@pytest.mark.parametrize("model", MODELS)
def test_every_list_opens(model: str, console: Client, query: Query) -> None:
    assert console.get(reverse(f"admin:curation_{model}_changelist")).status_code == 200


@pytest.mark.parametrize("model", ["query", "routerdecision", "shadowanswer", "cluster", "review", "job"])
def test_history_is_neither_added_nor_deleted(model: str, console: Client, query: Query) -> None:
    assert console.get(reverse(f"admin:curation_{model}_add")).status_code == 403
    row = Cluster.objects.get() if model == "cluster" else query
    if model in ("query", "cluster"):
        assert console.get(reverse(f"admin:curation_{model}_change", args=[row.pk])).status_code == 200
        assert console.post(reverse(f"admin:curation_{model}_delete", args=[row.pk])).status_code == 403


@pytest.mark.parametrize(("words", "found"), [("can", 1), ("blur", 0), ("", 1), ("?!", 0)])
def test_queries_are_found_by_their_words(words: str, found: int, console: Client, query: Query) -> None:
    answer = console.get(reverse("admin:curation_query_changelist"), {"q": words})
    assert answer.context["cl"].result_count == found


def test_an_action_starts_the_clustering(
    console: Client, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued: list[int] = []
    monkeypatch.setattr(tasks.cluster, "delay_on_commit", queued.append)
    given = {"action": "cluster", "_selected_action": [application.pk]}
    console.post(reverse("admin:curation_application_changelist"), given)
    job = Job.objects.get()
    assert queued == [job.pk]
    assert job.trigger == Trigger.ADMIN


def test_an_action_decides_clusters_with_a_review(console: Client, query: Query) -> None:
    cluster = Cluster.objects.get()
    given = {"action": "approve", "_selected_action": [cluster.pk]}
    console.post(reverse("admin:curation_cluster_changelist"), given)
    cluster.refresh_from_db()
    assert cluster.status == "approved"
    assert cluster.reviews.get().reviewer
