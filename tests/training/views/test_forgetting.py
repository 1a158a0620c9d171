"""The page on which a user's queries are deleted."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from curation.models import Application, ForgottenUser, Job
from tests.training.services.test_forgetting import USER, said
from training import tasks


@pytest.fixture
def client(client_of: dict[str, Client]) -> Client:
    return client_of["administrator"]


def test_it_is_counted_before_anything_is_deleted(client: Client, application: Application) -> None:
    said(application, USER)
    page = client.post(reverse("forget"), {"user": USER}).content.decode()
    assert "<strong>1 query</strong>" in page
    assert "cannot be undone" in page
    assert not Job.objects.exists()
    assert not ForgottenUser.objects.exists()


def test_confirmed_it_starts_a_job_that_does_not_name_the_user(
    client: Client, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks.forget, "delay_on_commit", lambda *args: None)
    said(application, USER)
    answer = client.post(reverse("forget"), {"user": USER, "confirmed": "1"}, follow=True)
    assert "are being deleted" in answer.content.decode()
    job = Job.objects.get()
    assert USER not in str(job.parameters)
    tasks.forget(job.pk)
    job.refresh_from_db()
    assert (job.state, job.result["queries"]) == ("done", 1)
    assert "Deleted" in client.get(reverse("forget")).content.decode()


def test_an_empty_id_is_told(client: Client) -> None:
    assert "This field is required" in client.post(reverse("forget"), {"user": " "}).content.decode()
