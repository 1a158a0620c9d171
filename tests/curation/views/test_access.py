"""Who may open which page and do what, and which application is looked at."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from curation.ml.calls import Call
from curation.models import Application, Job
from curation.models.jobs import JobKind, Trigger
from curation.models.reviews import Decision
from curation.services.applications import application_ensure
from curation.services.cluster_reviews import cluster_decide
from curation.services.jobs import job_create
from tests.curation.traffic import make_cluster, make_clustering, make_query

PAGES = ["home", "traffic", "query", "clusters", "cluster_map", "cluster", "jobs"]
SETTINGS = ["settings", "settings_teacher", "settings_policy", "settings_keys"]
WRITES = {
    "query_correct": "reviewer",
    "query_exclude": "reviewer",
    "query_include": "reviewer",
    "cluster_decide": "reviewer",
    "review_undo": "reviewer",
    "job_start": "reviewer",
    "job_cancel": "approver",
    "settings_teacher_test": "administrator",
}
RANKS = ["outsider", "viewer", "reviewer", "approver", "administrator"]


@pytest.fixture
def keys(application: Application) -> dict[str, list[Any]]:
    query = make_query(application, "play Can", Call("play", {"artist": "Can"}))
    cluster = make_cluster(make_clustering(application), "play {artist}", [query])
    review = cluster_decide(cluster=cluster, decision=Decision.APPROVE)
    job: Job = job_create(application=application, kind=JobKind.CLUSTER, trigger=Trigger.PAGE)
    return {
        **{key: [query.pk] for key in ("query", "query_correct", "query_exclude", "query_include")},
        **{key: [cluster.pk] for key in ("cluster", "cluster_decide")},
        "review_undo": [review.pk],
        "job_cancel": [job.pk],
    }


@pytest.mark.parametrize("page", PAGES)
def test_viewers_see_every_page_and_outsiders_none(
    page: str, client_of: dict[str, Client], keys: dict[str, list[Any]]
) -> None:
    address = reverse(page, args=keys.get(page))
    assert client_of["viewer"].get(address).status_code == 200
    refused = client_of["outsider"].get(address)
    assert refused.status_code == 403
    assert "Ask an administrator" in refused.content.decode()
    assert Client().get(address)["Location"] == f"/sign-in/?next={address}"


@pytest.mark.parametrize("page", SETTINGS)
def test_settings_are_for_administrators(page: str, client_of: dict[str, Client], application: Application) -> None:
    for name in RANKS:
        status = client_of[name].get(reverse(page)).status_code
        assert status == (200 if name == "administrator" else 403), name


@pytest.mark.parametrize("write", WRITES)
def test_a_write_needs_its_group_and_a_post(
    write: str, client_of: dict[str, Client], keys: dict[str, list[Any]]
) -> None:
    address = reverse(write, args=keys.get(write))
    least = RANKS.index(WRITES[write])
    for rank, name in enumerate(RANKS[: least + 1]):
        status = client_of[name].post(address).status_code
        assert (status == 403) == (rank < least), f"{name}: {status}"
    assert client_of["administrator"].get(address).status_code == 405


def test_a_write_without_its_token_is_refused(users: dict[str, Any], keys: dict[str, list[Any]]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(users["administrator"])
    assert client.post(reverse("cluster_decide", args=keys["cluster"])).status_code == 403


def test_another_application_is_looked_at_and_its_rows_only(
    users: dict[str, User], client_of: dict[str, Client], keys: dict[str, list[Any]]
) -> None:
    other = application_ensure(slug="weather", name="Weather")
    client = client_of["viewer"]
    choice = {"application": other.pk, "next": "/clusters/7/"}
    assert client.post(reverse("select_application"), choice).status_code == 404
    other.members.add(users["viewer"])
    answer = client.post(reverse("select_application"), choice)
    assert answer["Location"] == "/clusters/"
    assert "Weather" in client.get("/").content.decode()
    assert client.get(reverse("cluster", args=keys["cluster"])).status_code == 404
    assert client.get(reverse("query", args=keys["query"])).status_code == 404


@pytest.mark.parametrize("address", ["//example.org", "/\\example.org/x", "https://example.org", "", "javascript:x"])
def test_the_choice_of_the_application_leads_nowhere_else(
    address: str, client_of: dict[str, Client], application: Application
) -> None:
    chosen = {"application": application.pk, "next": address}
    answer = client_of["viewer"].post(reverse("select_application"), chosen)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/")
    assert "example.org/" not in answer["Location"].lstrip("/") or answer["Location"].startswith("/example.org")


def test_without_an_application_pages_say_what_to_do(application: Application, client_of: dict[str, Client]) -> None:
    assert "member of one" in client_of["stranger"].get("/").content.decode()
    application.delete()
    assert "Make the first one" in client_of["administrator"].get("/").content.decode()
    assert "member of one" in client_of["viewer"].get("/").content.decode()


@pytest.mark.parametrize("page", [*PAGES, *SETTINGS])
def test_pages_keep_to_the_content_security_policy(
    page: str, client_of: dict[str, Client], keys: dict[str, list[Any]]
) -> None:
    answer = client_of["administrator"].get(reverse(page, args=keys.get(page)))
    text = answer.content.decode()
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert " style=" not in text
    assert " onclick=" not in text
    assert "https://" not in text
