"""Which application is looked at; who may do what is in `tests/test_permissions.py`."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from curation.ml.calls import Call
from curation.models import Application
from curation.services.applications import application_ensure
from tests.curation.traffic import make_cluster, make_clustering, make_query

PAGES = ["home", "traffic", "query", "clusters", "cluster_map", "cluster", "jobs"]
SETTINGS = [
    "settings",
    "settings_teacher",
    "settings_policy",
    "settings_keys",
    "schedule",
    "retention",
    "people",
    "person_new",
    "applications",
]


@pytest.fixture
def keys(application: Application) -> dict[str, list[Any]]:
    query = make_query(application, "play Can", Call("play", {"artist": "Can"}))
    cluster = make_cluster(make_clustering(application), "play {artist}", [query])
    return {"query": [query.pk], "cluster": [cluster.pk]}


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


@pytest.mark.parametrize(
    "address", ["//example.org", "/\\example.org/x", "https://example.org", "", "javascript:x", "/account/password/"]
)
def test_the_choice_of_the_application_leads_nowhere_else(
    address: str, client_of: dict[str, Client], application: Application
) -> None:
    chosen = {"application": application.pk, "next": address}
    answer = client_of["viewer"].post(reverse("select_application"), chosen)
    assert (answer.status_code, answer["Location"]) == (302, "/")


@pytest.mark.parametrize(
    ("before", "back"),
    [
        ("http://testserver/traffic/?q=can", "/traffic/%3Fq%3Dcan"),
        ("https://example.org/traffic/", "/"),
        ("http://testserver@example.org/", "/"),
        ("http://testserver//example.org/", "//example.org/"),
        ("", "/"),
    ],
)
def test_whose_session_ended_comes_back_to_the_page_of_the_button(before: str, back: str, db: None) -> None:
    answer = Client(headers={"Referer": before}).post(reverse("job_start"))
    assert answer["Location"] == f"/sign-in/?next={back}"


def test_signing_in_leads_to_nobody_else(users: dict[str, User]) -> None:
    users["viewer"].set_password("river-stone-42")
    users["viewer"].save()
    given = {"username": "viewer", "password": "river-stone-42", "next": "//example.org/"}
    assert Client().post(reverse("login"), given)["Location"] == "/"


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
