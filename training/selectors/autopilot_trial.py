"""How far the challenger's trial is, as the autopilot sees it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from curation.identifiers import first_id
from curation.models import RouterDecision
from curation.models.traffic import INLINE_ROUTES
from training.models import Promotion, Student
from training.models.promotions import AliasName
from training.selectors.autopilot import Facts

LONGEST_TRIAL = timedelta(days=7)
"""After it, a newer student is tried in its place, and it waits no longer for live traffic to be held against."""


@dataclass(frozen=True, slots=True)
class Trial:
    """How far the challenger's trial is at its present share of the users."""

    challenger: Student
    share: float
    move: Promotion | None
    answers: int
    needed: int

    @property
    def passed(self) -> bool:
        return self.share > 0 and self.answers >= self.needed

    @property
    def figures(self) -> str:
        return (
            f"{self.challenger} gave {self.answers:,} inline answers at {self.share:.0%} of the users; "
            f"{self.needed:,} are needed."
        )


def trial_of(facts: Facts) -> Trial | None:
    """None where there is no challenger."""
    challenger = facts.challenger
    if challenger is None:
        return None
    application, needed = facts.application, facts.autopilot.trial_answers
    move = application.promotions.filter(alias=AliasName.CHALLENGER, student=challenger).first()
    answered = RouterDecision.objects.filter(
        application=application, student=challenger.version, route__in=INLINE_ROUTES
    )
    if move is not None:
        answered = answered.filter(query__gte=first_id(move.created_at))
    share = facts.policy.canary_share
    return Trial(challenger, share, move, answered[:needed].count() if share else 0, needed)


def takes_too_long(facts: Facts, challenger: Student) -> bool:
    moves = facts.application.promotions.filter(alias=AliasName.CHALLENGER, student=challenger)
    began = moves.order_by("id").values_list("created_at", flat=True).first()
    return began is not None and began < timezone.now() - LONGEST_TRIAL
