"""What a request is told that is refused, lost or too late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from django.test import Client
from django.urls import reverse

from curation.identifiers import new_id
from curation.models import Application

HTMX = {"HX-Request": "true"}


def test_htmx_is_told_in_one_sentence_why(client_of: dict[str, Client], application: Application) -> None:
    answer = client_of["viewer"].post(reverse("job_start"), headers=HTMX)
    assert (answer.status_code, answer["Content-Type"]) == (403, "text/plain; charset=utf-8")
    assert answer.content.decode().startswith("Only reviewers may")


def test_a_query_that_was_deleted_for_its_age_is_told_so(
    client_of: dict[str, Client], application: Application
) -> None:
    client = client_of["viewer"]
    old = reverse("query", args=[new_id(datetime.now(UTC) - timedelta(days=40))])
    assert "nothing at this address" in client.get(old).content.decode()
    application.keep_days = 30
    application.save()
    answer = client.get(old)
    assert answer.status_code == 404
    assert "older than 30 days and was deleted" in answer.content.decode()
    for key in (new_id(), uuid4()):
        assert "was deleted" not in client.get(reverse("query", args=[key])).content.decode()


def test_an_address_that_leads_nowhere_is_a_page(client_of: dict[str, Client]) -> None:
    for client in (client_of["viewer"], Client()):
        answer = client.get("/nowhere/")
        assert answer.status_code == 404
        assert "Not found" in answer.content.decode()
