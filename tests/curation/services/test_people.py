from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from curation.errors import OdiaError
from curation.models import Application
from curation.services.people import password_forget, person_activate, person_change, person_create


@pytest.fixture
def administrator(users: dict[str, User]) -> User:
    return users["administrator"]


def test_a_new_person_has_a_group_and_applications_and_no_password(
    application: Application, users: dict[str, User]
) -> None:
    person = person_create(username="nina", group="reviewer", applications=[application])
    assert not person.has_usable_password()
    person = User.objects.get(pk=person.pk)
    assert person.has_perm("curation.review") and not person.has_perm("curation.approve")
    assert list(person.applications.all()) == [application]


def test_the_last_administrator_cannot_lose_the_group_or_be_kept_out(administrator: User) -> None:
    with pytest.raises(OdiaError, match="last administrator who can sign in"):
        person_change(user=administrator, email="", group="viewer", applications=[])
    with pytest.raises(OdiaError, match="last administrator who can sign in"):
        person_activate(user=administrator, active=False)
    assert User.objects.get(pk=administrator.pk).has_perm("curation.administer")


def test_with_a_second_one_an_administrator_may_go(administrator: User) -> None:
    second = person_create(username="second", group="administrator")
    assert second.is_staff
    person_change(user=administrator, email="", group="viewer", applications=[])
    assert not User.objects.get(pk=administrator.pk).has_perm("curation.administer")
    with pytest.raises(OdiaError):
        person_activate(user=second, active=False)


def test_an_administrator_who_cannot_sign_in_does_not_count(administrator: User) -> None:
    person_activate(user=person_create(username="second", group="administrator"), active=False)
    with pytest.raises(OdiaError):
        person_activate(user=administrator, active=False)


def test_who_is_let_into_the_console_by_hand_stays_there(administrator: User, users: dict[str, User]) -> None:
    User.objects.filter(pk=users["viewer"].pk).update(is_staff=True)
    assert person_change(
        user=User.objects.get(pk=users["viewer"].pk), email="", group="approver", applications=[]
    ).is_staff
    person_create(username="second", group="administrator")
    assert not person_change(user=administrator, email="", group="approver", applications=[]).is_staff


def test_a_forgotten_password_does_not_work_any_more(users: dict[str, User]) -> None:
    person = users["viewer"]
    person.set_password("river-stone-42")
    person.save()
    assert not password_forget(user=person).check_password("river-stone-42")
