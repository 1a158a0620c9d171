"""Who may open which page and do what."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from curation.services.applications import application_ensure
from training.models import Dataset, Evaluation, Student, SwitchOff
from training.services.keys import key_create

PAGES = ["datasets", "dataset", "runs", "run", "evaluations", "evaluation", "students", "student", "playground"]
WRITES = {
    "dataset_new": "reviewer",
    "dataset_approve": "approver",
    "run_start": "approver",
    "run_cancel": "approver",
    "evaluation_new": "approver",
    "student_promote": "approver",
    "roll_back": "approver",
    "challenger_new": "approver",
    "challenger_withdraw": "approver",
    "canary": "approver",
    "turn_on": "approver",
    "key_limit": "administrator",
    "key_revoke": "administrator",
}
RANKS = ["outsider", "viewer", "reviewer", "approver", "administrator"]


@pytest.fixture
def keys(draft: Dataset, student: Student, evaluation: Evaluation) -> dict[str, list[int]]:
    application = student.application
    off = SwitchOff.objects.create(application=application, student=student, function="play_music", reason="Wrong.")
    key, _ = key_create(application=application)
    return {
        "dataset": [draft.pk],
        "run": [student.run_id],
        "evaluation": [evaluation.pk],
        "student": [student.pk],
        "dataset_approve": [draft.pk],
        "run_cancel": [student.run_id],
        "evaluation_new": [student.pk],
        "student_promote": [student.pk],
        "challenger_new": [student.pk],
        "turn_on": [off.pk],
        "key_limit": [key.pk],
        "key_revoke": [key.pk],
    }


@pytest.mark.parametrize("page", PAGES)
def test_viewers_see_every_page_and_outsiders_none(
    page: str, client_of: dict[str, Client], keys: dict[str, list[int]]
) -> None:
    address = reverse(page, args=keys.get(page))
    assert client_of["viewer"].get(address).status_code == 200
    assert client_of["outsider"].get(address).status_code == 403
    assert Client().get(address).status_code == 302


@pytest.mark.parametrize("write", WRITES)
def test_a_write_needs_its_group_and_a_post(
    write: str, client_of: dict[str, Client], keys: dict[str, list[int]]
) -> None:
    address = reverse(write, args=keys.get(write))
    least = RANKS.index(WRITES[write])
    for rank, name in enumerate(RANKS):
        status = client_of[name].post(address).status_code
        assert (status == 403) == (rank < least), f"{name}: {status}"
    if write != "run_start":
        assert client_of["administrator"].get(address).status_code == 405


@pytest.mark.parametrize("page", PAGES)
def test_a_page_takes_a_bounded_number_of_queries(
    page: str, client_of: dict[str, Client], keys: dict[str, list[int]], django_assert_max_num_queries
) -> None:
    address = reverse(page, args=keys.get(page))
    client_of["administrator"].get(address)
    with django_assert_max_num_queries(20):
        assert client_of["administrator"].get(address).status_code == 200


def test_rows_of_another_application_are_not_found(client_of: dict[str, Client], dataset: Dataset) -> None:
    other = application_ensure(slug="another")
    session = client_of["administrator"].session
    session["application"] = other.pk
    session.save()
    assert client_of["administrator"].get(reverse("dataset", args=[dataset.pk])).status_code == 404
