"""The list of applications and a new one."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from curation.models import Application


def test_a_new_application_is_made_and_looked_at(client_of: dict[str, Client], users: dict[str, User]) -> None:
    client = client_of["administrator"]
    given = {"name": "Weather", "slug": "weather", "members": [users["viewer"].pk]}
    assert client.post(reverse("applications"), given)["Location"] == reverse("settings_teacher")
    made = Application.objects.get(slug="weather")
    assert list(made.members.all()) == [users["viewer"]]
    assert client.session["application"] == made.pk
    assert "Weather" in client.get(reverse("applications")).content.decode()


def test_a_short_name_that_cannot_be_is_told(client_of: dict[str, Client]) -> None:
    for slug in ("music", "no good", ""):
        answer = client_of["administrator"].post(reverse("applications"), {"name": "Other", "slug": slug})
        assert 'class="error"' in answer.content.decode()
    assert Application.objects.count() == 1


def test_without_any_application_the_first_one_is_made_there(
    client_of: dict[str, Client], application: Application
) -> None:
    application.delete()
    client = client_of["administrator"]
    assert reverse("applications") in client.get("/").content.decode()
    assert client.get(reverse("applications")).status_code == 200
    assert client.get(reverse("people")).status_code == 200
