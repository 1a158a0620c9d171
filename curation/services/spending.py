"""What ODIA itself asks of a teacher, counted per day and purpose, and kept within the budget of the month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from curation.models import Teacher, TeacherSpending
from curation.models.traffic import Purpose
from curation.selectors.spending import allows


@dataclass(frozen=True, slots=True)
class Reservation:
    """Tokens that a request under way may use, and that are counted as used until it is over."""

    teacher: Teacher
    day: date
    purpose: Purpose
    prompt_tokens: int
    completion_tokens: int


@transaction.atomic
def spending_reserve(
    *, teacher: Teacher, purpose: Purpose, prompt_tokens: int, completion_tokens: int
) -> Reservation | None:
    """Count a request before it is sent, with the tokens that it may use; None where the budget has no room for it.

    So the budget holds for any number of requests at a time, and when a process dies before it has their answers.
    """
    limits = Teacher.objects.select_for_update().get(pk=teacher.pk)
    if not allows(limits, purpose, prompt_tokens, completion_tokens):
        return None
    reservation = Reservation(teacher, timezone.now().date(), purpose, prompt_tokens, completion_tokens)
    _add(reservation, 1, prompt_tokens, completion_tokens)
    return reservation


def spending_settle(*, reservation: Reservation, prompt_tokens: int, completion_tokens: int) -> None:
    """Put what a request has used in the place of what was reserved."""
    more_prompt = prompt_tokens - reservation.prompt_tokens
    more_completion = completion_tokens - reservation.completion_tokens
    _add(reservation, 0, more_prompt, more_completion)


def spending_release(*, reservation: Reservation) -> None:
    """Take back a request that costs nothing, as if it had never been sent."""
    _add(reservation, -1, -reservation.prompt_tokens, -reservation.completion_tokens)


def _add(key: Reservation, requests: int, prompt_tokens: int, completion_tokens: int) -> None:
    row = {"teacher": key.teacher, "day": key.day, "purpose": key.purpose}
    TeacherSpending.objects.bulk_create([TeacherSpending(**row)], ignore_conflicts=True)
    TeacherSpending.objects.filter(**row).update(
        requests=F("requests") + requests,
        prompt_tokens=F("prompt_tokens") + prompt_tokens,
        completion_tokens=F("completion_tokens") + completion_tokens,
    )
