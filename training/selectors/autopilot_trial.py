"""How far the challenger's trial is, as the autopilot sees it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from curation.identifiers import first_id
from curation.models import RouterDecision
from curation.models.traffic import INLINE_ROUTES
from training.models import Promotion, Student
from training.models.promotions import AliasName
from training.selectors.autopilot import Facts
from training.selectors.canary import next_step

LONGEST_TRIAL = timedelta(days=7)
"""After it, a newer student is tried in its place. At the last step, it waits no longer for live traffic to be held
against."""


@dataclass(frozen=True, slots=True)
class Trial:
    """How far the challenger's trial is at its present share of the users."""

    challenger: Student
    share: float
    began: Promotion | None
    """The move that made it challenger."""
    move: Promotion | None
    """The newest change of its trial."""
    answers: int
    needed: int

    @property
    def passed(self) -> bool:
        return self.share > 0 and self.answers >= self.needed

    @property
    def passed_last(self) -> bool:
        return self.passed and next_step(self.share) is None

    @property
    def takes_too_long(self) -> bool:
        return self.began is not None and _long_ago(self.began)

    @property
    def waited_long_enough(self) -> bool:
        """Since the last change."""
        return self.move is not None and _long_ago(self.move)

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
    moves = application.promotions.filter(alias=AliasName.CHALLENGER, student=challenger)
    move = moves.first()
    answered = RouterDecision.objects.filter(
        application=application, student=challenger.version, route__in=INLINE_ROUTES
    )
    if move is not None:
        answered = answered.filter(query__gte=first_id(move.created_at))
    share = facts.policy.canary_share
    began = moves.exclude(previous=F("student")).first()
    return Trial(challenger, share, began, move, answered[:needed].count() if share else 0, needed)


def _long_ago(move: Promotion) -> bool:
    return move.created_at < timezone.now() - LONGEST_TRIAL
