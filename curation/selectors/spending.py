"""What ODIA itself asked of a teacher this month, against its limits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Sum
from django.utils import timezone

from curation.models import Teacher, TeacherSpending
from curation.models.traffic import Purpose

LIMITED = (Purpose.LABEL, Purpose.RESAMPLE)
"""Audits are counted, but the budget does not stop them: they keep wrong answers away."""
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Spent:
    """Requests, tokens and money of one purpose or of several."""

    requests: int
    prompt_tokens: int
    completion_tokens: int
    money: Decimal

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


def price_of(teacher: Teacher, prompt_tokens: int, completion_tokens: int) -> Decimal:
    """What so many tokens cost at the teacher's prices."""
    return (teacher.input_price * prompt_tokens + teacher.output_price * completion_tokens) / MILLION


def spent_this_month(teacher: Teacher, purposes: Iterable[Purpose] = tuple(Purpose)) -> Spent:
    """The sums since the first of the calendar month (UTC)."""
    first = timezone.now().date().replace(day=1)
    rows = TeacherSpending.objects.filter(teacher=teacher, day__gte=first, purpose__in=list(purposes))
    sums = rows.aggregate(Sum("requests"), Sum("prompt_tokens"), Sum("completion_tokens"))
    requests, prompt, completion = (
        sums[f"{name}__sum"] or 0 for name in ("requests", "prompt_tokens", "completion_tokens")
    )
    return Spent(requests, prompt, completion, price_of(teacher, prompt, completion))


def allows(teacher: Teacher, purpose: Purpose, prompt_tokens: int, completion_tokens: int) -> bool:
    """Whether so many tokens more stay within the month's limits of tokens and of money."""
    if purpose not in LIMITED or (teacher.monthly_tokens is None and teacher.monthly_money is None):
        return True
    spent = spent_this_month(teacher, LIMITED)
    tokens = spent.tokens + prompt_tokens + completion_tokens
    money = spent.money + price_of(teacher, prompt_tokens, completion_tokens)
    within_tokens = teacher.monthly_tokens is None or tokens <= teacher.monthly_tokens
    return within_tokens and (teacher.monthly_money is None or money <= teacher.monthly_money)


def budget_in_words(teacher: Teacher) -> str:
    """What labelling may use in a month, and has used of it; empty where there is no limit."""
    spent = spent_this_month(teacher, LIMITED)
    limits = []
    if teacher.monthly_tokens is not None:
        limits.append(f"{spent.tokens:,} of {teacher.monthly_tokens:,} tokens")
    if teacher.monthly_money is not None:
        limits.append(f"{spent.money:,.2f} of {teacher.monthly_money:,.2f} in money")
    return " and ".join(limits)
