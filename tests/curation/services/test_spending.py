"""The budget of a month: it holds whatever is under way, and only for what it is meant for."""

from __future__ import annotations

import pytest

from curation.models import Application, Teacher
from curation.models.traffic import Purpose
from curation.selectors.spending import budget_in_words, spent_this_month
from curation.services.spending import Reservation, spending_release, spending_reserve, spending_settle

pytestmark = pytest.mark.django_db


@pytest.fixture
def teacher(application: Application) -> Teacher:
    return Teacher.objects.create(application=application, base_url="http://127.0.0.1:9/v1", model="m", input_price=2)


def reserve(teacher: Teacher, tokens: int, purpose: Purpose = Purpose.LABEL) -> Reservation | None:
    return spending_reserve(teacher=teacher, purpose=purpose, prompt_tokens=tokens, completion_tokens=0)


def limit(teacher: Teacher, **limits: int) -> None:
    Teacher.objects.filter(pk=teacher.pk).update(**limits)
    teacher.refresh_from_db()


def test_what_is_under_way_counts_as_spent(teacher: Teacher) -> None:
    limit(teacher, monthly_tokens=100)
    assert reserve(teacher, 60)
    assert reserve(teacher, 60) is None
    assert reserve(teacher, 40)
    assert spent_this_month(teacher, [Purpose.LABEL]).requests == 2


def test_what_was_not_used_is_free_again(teacher: Teacher) -> None:
    limit(teacher, monthly_tokens=100)
    first = reserve(teacher, 100)
    assert first
    spending_settle(reservation=first, prompt_tokens=20, completion_tokens=5)
    assert reserve(teacher, 76) is None
    assert reserve(teacher, 75)
    spent = spent_this_month(teacher, [Purpose.LABEL])
    assert (spent.requests, spent.tokens) == (2, 100)


def test_a_request_that_costs_nothing_is_not_counted(teacher: Teacher) -> None:
    paid, refused = reserve(teacher, 100), reserve(teacher, 50)
    assert paid and refused
    spending_settle(reservation=paid, prompt_tokens=80, completion_tokens=20)
    spending_release(reservation=refused)
    spent = spent_this_month(teacher, [Purpose.LABEL])
    assert (spent.requests, spent.tokens) == (1, 100)


def test_audits_are_counted_but_never_held_up_and_leave_the_budget_alone(teacher: Teacher) -> None:
    limit(teacher, monthly_tokens=100)
    assert reserve(teacher, 500, Purpose.AUDIT)
    assert reserve(teacher, 100, Purpose.RESAMPLE)
    assert spent_this_month(teacher).tokens == 600


def test_money_ends_the_budget_too(teacher: Teacher) -> None:
    limit(teacher, monthly_money=1)
    assert reserve(teacher, 500_001) is None
    assert reserve(teacher, 500_000)
    assert budget_in_words(teacher) == "1.00 of 1.00 in money"


def test_a_limit_that_is_raised_holds_for_the_next_request(teacher: Teacher) -> None:
    limit(teacher, monthly_tokens=10)
    assert reserve(teacher, 20) is None
    Teacher.objects.filter(pk=teacher.pk).update(monthly_tokens=50)
    assert reserve(teacher, 20), "a job under way holds the teacher as it was"


def test_without_a_limit_there_is_nothing_to_say(teacher: Teacher) -> None:
    assert reserve(teacher, 10**9)
    assert budget_in_words(teacher) == ""
