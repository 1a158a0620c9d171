"""Signing in, and one's own password."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from curation.models import SignInFailure
from curation.services.sign_ins import MOST_FOR_ONE_NAME, MOST_FROM_ONE_ADDRESS, WINDOW

RIGHT = {"username": "viewer", "password": "river-stone-42"}
WRONG = {"username": "Viewer", "password": "guess"}


@pytest.fixture
def person(users: dict[str, User]) -> User:
    users["viewer"].set_password(RIGHT["password"])
    users["viewer"].save()
    return users["viewer"]


def sign_in(given: dict[str, str], address: str = "192.0.2.1") -> str:
    answer = Client(REMOTE_ADDR=address).post(reverse("login"), given)
    return "in" if answer.status_code == 302 else answer.content.decode()


def test_who_tries_too_often_waits(person: User) -> None:
    for _ in range(MOST_FROM_ONE_ADDRESS):
        assert "Too many" not in sign_in(WRONG)
    assert "Too many sign-ins failed" in sign_in(RIGHT)
    assert sign_in(RIGHT, address="192.0.2.2") == "in"
    SignInFailure.objects.update(failed_at=timezone.now() - WINDOW - timedelta(seconds=1))
    assert sign_in(RIGHT) == "in"


def test_many_addresses_do_not_help(person: User) -> None:
    SignInFailure.objects.bulk_create(
        SignInFailure(username="viewer", address=f"198.51.100.{number}") for number in range(MOST_FOR_ONE_NAME)
    )
    assert "Too many sign-ins failed" in sign_in(RIGHT)


def test_a_password_that_is_remembered_in_the_end_begins_anew(person: User) -> None:
    for _ in range(MOST_FROM_ONE_ADDRESS - 1):
        sign_in(WRONG)
    assert sign_in(RIGHT) == "in"
    assert "Too many" not in sign_in(WRONG)


def test_a_sign_in_that_was_never_tried_does_not_begin_anew(person: User) -> None:
    for _ in range(MOST_FROM_ONE_ADDRESS):
        sign_in(WRONG)
        sign_in({**WRONG, "password": ""})
    assert "Too many" in sign_in(RIGHT)


def test_signing_out_takes_a_button(client_of: dict[str, Client]) -> None:
    assert client_of["viewer"].get(reverse("logout")).status_code == 405
    client_of["viewer"].post(reverse("logout"))
    assert client_of["viewer"].get("/")["Location"].startswith("/sign-in/")


def test_old_failures_are_forgotten(person: User) -> None:
    sign_in(WRONG)
    SignInFailure.objects.update(failed_at=timezone.now() - WINDOW * 2)
    sign_in(WRONG)
    assert SignInFailure.objects.count() == 1


def test_a_user_changes_the_own_password(person: User) -> None:
    client = Client()
    client.force_login(person)
    assert reverse("password_change") in client.get("/").content.decode()
    given = {"old_password": RIGHT["password"], "new_password1": "paper-moon-77", "new_password2": "paper-moon-77"}
    answer = client.post(reverse("password_change"), given, follow=True)
    assert "Your password is changed" in answer.content.decode()
    person.refresh_from_db()
    assert person.check_password("paper-moon-77")
    assert "no-store" in client.get(reverse("password_change"))["Cache-Control"]


def test_the_own_password_takes_a_sign_in(db: None) -> None:
    assert Client().get(reverse("password_change"))["Location"].startswith("/sign-in/")


def test_there_is_one_door(client_of: dict[str, Client]) -> None:
    assert Client().get("/admin/")["Location"].startswith("/admin/login/?next=/admin/")
    assert Client().get("/admin/login/?next=/admin/")["Location"] == "/sign-in/?next=%2Fadmin%2F"
    refused = client_of["viewer"].get("/admin/", follow=True)
    assert refused.status_code == 403
    assert "The admin console is for administrators." in refused.content.decode()


def test_a_link_that_is_no_good_says_what_to_do(db: None) -> None:
    answer = Client().get(reverse("password_set", args=["MQ", "x-y"]))
    assert "Ask an administrator for a new one" in answer.content.decode()


@pytest.mark.parametrize("name", ["login", "password_change"])
def test_a_password_is_not_taken_without_the_token_of_the_page(name: str, person: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(person)
    assert client.post(reverse(name), RIGHT).status_code == 403
