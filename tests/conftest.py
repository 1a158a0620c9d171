"""Fixtures that all tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import get_resolver

from curation.models import Application
from curation.services.applications import application_ensure, teacher_set
from curation.services.people import GROUPS, groups_ensure
from tests.moody_teacher import MoodyTeacher
from tests.training.gateway.servers import running


@pytest.fixture(scope="session", autouse=True)
def views_are_imported() -> None:
    """Whatever test comes first: a view that is imported while a test has patched a constant would keep that."""
    assert get_resolver().url_patterns


@pytest.fixture
def application(db: None) -> Application:
    return application_ensure(slug="music", name="Music")


@pytest.fixture
def users(application: Application) -> dict[str, User]:
    """One user for each group by its name, an outsider in none, and a stranger: an approver, of no application."""
    groups_ensure()
    users = {name: User.objects.create_user(name) for name in (*GROUPS, "outsider", "stranger")}
    for name in GROUPS:
        users[name].groups.add(Group.objects.get(name=name))
    users["stranger"].groups.add(Group.objects.get(name="approver"))
    application.members.set([users[name] for name in users if name != "stranger"])
    return users


@pytest.fixture
def client_of(users: dict[str, User]) -> dict[str, Client]:
    """A signed-in browser for each of the users."""
    clients = {name: Client() for name in users}
    for name, client in clients.items():
        client.force_login(users[name])
    return clients


@pytest.fixture
def moody(application: Application) -> Iterator[MoodyTeacher]:
    """The application's teacher, over HTTP; in a good mood until it is told otherwise."""
    teacher = MoodyTeacher()
    with running(teacher, lifespan="off") as url:
        teacher_set(application=application, base_url=f"{url}/v1", model="large")
        yield teacher
