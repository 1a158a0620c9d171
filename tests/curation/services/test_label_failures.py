"""What failures mean: how long a request waits for its next try, and when its query is given up."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from curation.models import Application
from curation.services.label_backlog import Wanted
from curation.services.label_failures import LONGEST_PAUSE_SECONDS, MOST_TRIES, Failures, Tries, pause_after
from curation.teachers.openai_api import TeacherError
from tests.curation.traffic import make_query


@pytest.fixture
def wanted(application: Application) -> Wanted:
    query = make_query(application, "play Can", answered=False)
    assert query.tool_set
    return Wanted(query, query.tool_set)


@pytest.fixture(autouse=True)
def unlucky(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what a pause may be, always the longest."""
    monkeypatch.setattr(random, "uniform", lambda shortest, longest: longest)


def too_many(retry_after: float | None = None) -> TeacherError:
    return TeacherError("Slow down.", retryable=True, retry_after=retry_after, status=429)


def test_too_many_requests_are_backed_off_from_without_giving_the_query_up(wanted: Wanted) -> None:
    failures, tries = Failures(), Tries()
    pauses = []
    for _ in range(3 * MOST_TRIES):
        failures.answered()
        assert not failures.hear(wanted, tries, too_many())
        pauses.append(pause_after(tries, too_many()))
    assert all(later == min(2 * earlier, LONGEST_PAUSE_SECONDS) for earlier, later in pairwise(pauses))


@pytest.mark.parametrize("status", [429, 503])
def test_what_the_teacher_says_of_waiting_takes_the_place_of_backing_off(status: int) -> None:
    tries = Tries()
    error = TeacherError("Slow down.", retryable=True, retry_after=7.0, status=status)
    pauses = [pause_after(tries, error) for _ in range(20)]
    assert all(7.0 < pause == pauses[0] for pause in pauses)


def test_an_outage_is_no_querys_fault_but_failing_while_others_are_answered_is(wanted: Wanted) -> None:
    failures, tries = Failures(), Tries()
    failures.answered()
    overloaded = TeacherError("Overloaded.", retryable=True, status=500)
    assert not any(failures.hear(wanted, tries, overloaded) for _ in range(2 * MOST_TRIES))
    failures.answered()
    assert failures.hear(wanted, tries, overloaded)
    assert [given_up.wanted for given_up in failures.proven()] == [wanted]
    failures.end()


def test_a_teacher_that_asks_for_no_time_is_backed_off_from() -> None:
    tries = Tries()
    first, *_, last = [pause_after(tries, too_many(retry_after=0.0)) for _ in range(20)]
    assert first < last == LONGEST_PAUSE_SECONDS
