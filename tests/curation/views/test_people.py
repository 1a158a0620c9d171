"""The pages of users."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from curation.models import Application


@pytest.fixture
def client(client_of: dict[str, Client]) -> Client:
    return client_of["administrator"]


def link_in(answer: Any) -> str:
    found = re.search(r"http://testserver(/account/password/[^<\s]+)", answer.content.decode())
    assert found, "no link is shown"
    return found.group(1)


def test_a_new_user_chooses_a_password_by_a_link_that_works_once(client: Client, application: Application) -> None:
    given = {"username": "nina", "group": "viewer", "applications": [application.pk]}
    made = client.post(reverse("person_new"), given)
    assert "no-store" in made["Cache-Control"]
    link = link_in(made)
    person = User.objects.get(username="nina")
    assert link not in client.get(reverse("person", args=[person.pk])).content.decode()

    guest = Client()
    form = guest.get(link, follow=True)
    passwords = {"new_password1": "river-stone-42", "new_password2": "river-stone-42"}
    guest.post(form.redirect_chain[-1][0], passwords)
    assert guest.login(username="nina", password="river-stone-42")
    assert guest.get(reverse("clusters")).status_code == 200
    assert "used already" in Client().get(link, follow=True).content.decode()


def test_a_reset_signs_the_user_out_and_gives_a_link(
    client: Client, client_of: dict[str, Client], users: dict[str, User]
) -> None:
    assert client_of["viewer"].get("/").status_code == 200
    answer = client.post(reverse("person_password", args=[users["viewer"].pk]))
    assert client_of["viewer"].get("/").status_code == 302
    assert "Set the password" in Client().get(link_in(answer), follow=True).content.decode()


def test_nobody_resets_their_own_password_there(client: Client, users: dict[str, User]) -> None:
    answer = client.post(reverse("person_password", args=[users["administrator"].pk]), follow=True)
    assert "from the menu under your name" in answer.content.decode()
    assert client.get("/").status_code == 200


def test_group_and_applications_are_changed(client: Client, users: dict[str, User], application: Application) -> None:
    person = users["stranger"]
    address = reverse("person", args=[person.pk])
    assert '<option value="approver" selected>' in client.get(address).content.decode()
    client.post(address, {"group": "reviewer", "applications": [application.pk], "email": "s@example.org"})
    person = User.objects.get(pk=person.pk)
    assert [group.name for group in person.groups.all()] == ["reviewer"]
    assert list(person.applications.all()) == [application]
    assert person.email == "s@example.org"


def test_nobody_locks_everybody_out(client: Client, users: dict[str, User]) -> None:
    own = users["administrator"].pk
    for address, given in (("person", {"group": "viewer"}), ("person_switch", {"active": "0"})):
        answer = client.post(reverse(address, args=[own]), given, follow=True)
        assert "last administrator who can sign in" in answer.content.decode()
    assert client.get(reverse("people")).status_code == 200


def test_a_user_is_kept_out_and_let_in_again(
    client: Client, client_of: dict[str, Client], users: dict[str, User]
) -> None:
    address = reverse("person_switch", args=[users["viewer"].pk])
    client.post(address, {"active": "0"})
    assert client_of["viewer"].get("/").status_code == 302
    client.post(address, {"active": "1"})
    assert User.objects.get(pk=users["viewer"].pk).is_active


def test_the_list_takes_the_same_queries_for_many_users(
    client: Client, users: dict[str, User], django_assert_max_num_queries: Any
) -> None:
    User.objects.bulk_create(User(username=f"user-{number}") for number in range(40))
    with django_assert_max_num_queries(10):
        text = client.get(reverse("people")).content.decode()
    assert "user-39" in text


def test_a_name_that_is_taken_is_told(client: Client) -> None:
    answer = client.post(reverse("person_new"), {"username": "viewer", "group": ""})
    assert "already exists" in answer.content.decode()
