"""A teacher's places: never more than it allows now, and the next one for whoever comes first."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from curation.models import Application, Teacher
from curation.services.places import Places, places_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def teacher(application: Application) -> Teacher:
    return Teacher.objects.create(application=application, base_url="http://127.0.0.1:9/v1", model="m", concurrency=2)


@pytest.fixture
def labels(teacher: Teacher) -> Iterator[Places]:
    with places_of(teacher) as places:
        yield places


@pytest.fixture
def audits(teacher: Teacher) -> Iterator[Places]:
    with places_of(teacher) as places:
        yield places


def test_all_processes_together_hold_no_more_than_there_are(labels: Places, audits: Places) -> None:
    assert [labels.take(first=False), audits.take(first=True), labels.take(first=False)] == [0, 1, None]
    labels.leave(0)
    assert audits.take(first=True) == 0


def test_a_place_that_is_left_goes_to_a_claim(labels: Places, audits: Places) -> None:
    for _ in range(2):
        labels.take(first=False)
    for _ in range(2):
        audits.claim()
    labels.leave(1)
    assert labels.take(first=False) is None, "though it is free, and asks at once"
    assert audits.take(first=True) == 1
    audits.withdraw()
    labels.leave(0)
    assert labels.take(first=False) is None, "one more waits"
    audits.withdraw()
    assert labels.take(first=False) == 0


def test_a_claim_ends_with_its_process(teacher: Teacher, labels: Places) -> None:
    with places_of(teacher) as died:
        died.claim()
        assert labels.take(first=False) is None
    while labels.take(first=False) is None:
        time.sleep(0.01)  # PostgreSQL takes a moment to notice


def test_a_limit_that_is_changed_holds_for_the_next_request(teacher: Teacher, labels: Places) -> None:
    held = [labels.take(first=False) for _ in range(2)]
    Teacher.objects.filter(pk=teacher.pk).update(concurrency=1)
    labels.leave(1)
    assert labels.take(first=False) is None
    labels.leave(0)
    assert labels.take(first=False) == 0
    Teacher.objects.filter(pk=teacher.pk).update(concurrency=2)
    assert labels.take(first=False) == 1
    assert held == [0, 1]
