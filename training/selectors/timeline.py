"""The history of an application's students: promotions, canaries, ways back, switch-offs, in the order of time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Case, Q, When
from django.utils import timezone

from curation.models import Application
from training.models import Promotion, Student, SwitchOff
from training.models.promotions import AliasName

PER_PAGE = 30


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a student. `user` is None where the policy or the audits did it themselves.

    `kind` is promoted, rolled back, challenger, canary, withdrawn, switched off or turned on; `detail` a sentence;
    `checks` what was checked, each with its name, outcome and sentence.
    """

    at: datetime
    kind: str
    student: Student | None
    previous: Student | None = None
    user: User | None = None
    detail: str = ""
    checks: tuple[dict[str, Any], ...] = ()

    @property
    def by(self) -> str:
        return str(self.user) if self.user else "the audits" if self.kind == "switched off" else "the policy"


@dataclass(frozen=True, slots=True)
class Timeline:
    """Some events, the newest first; `before` continues the list, None at its end."""

    events: list[Event]
    before: datetime | None


def timeline_of(application: Application, student: Student | None = None, before: datetime | None = None) -> Timeline:
    """The events before a moment: all of them, or those about one student."""
    moves = Promotion.objects.filter(application=application)
    offs = SwitchOff.objects.filter(application=application)
    until = before or timezone.now()
    if student:
        moves, offs = moves.filter(Q(student=student) | Q(previous=student)), offs.filter(student=student)
    moves = moves.filter(created_at__lt=until).select_related("student", "previous", "promoted_by")
    # Which of the two events of a switch-off is the newest before the moment decides its place.
    newest = Case(When(lifted_at__lt=until, then="lifted_at"), default="created_at")
    offs = offs.filter(created_at__lt=until).select_related("student", "lifted_by").order_by(newest.desc())
    found = [_moved(move) for move in moves.order_by("-created_at")[: PER_PAGE + 1]]
    for off in offs[: PER_PAGE + 1]:
        found.append(_switched_off(off))
        if off.lifted_at and off.lifted_at < until:
            found.append(_turned_on(off))
    found.sort(key=lambda event: event.at, reverse=True)
    shown = found[:PER_PAGE]
    return Timeline(shown, shown[-1].at if len(found) > PER_PAGE else None)


def _moved(move: Promotion) -> Event:
    kind, checks, detail = _kind(move), tuple(move.checks), ""
    if kind == "canary":
        detail, checks = " ".join(check["sentence"] for check in checks), ()
    return Event(move.created_at, kind, move.student, move.previous, move.promoted_by, detail, checks)


def _kind(move: Promotion) -> str:
    if move.rolled_back_id:
        return "rolled back"
    if move.alias == AliasName.CHAMPION:
        return "promoted"
    if move.student_id is None:
        return "withdrawn"
    return "canary" if move.student_id == move.previous_id else "challenger"


def _switched_off(off: SwitchOff) -> Event:
    return Event(off.created_at, "switched off", off.student, detail=f"{off.function or 'Everything'}: {off.reason}")


def _turned_on(off: SwitchOff) -> Event:
    assert off.lifted_at is not None
    return Event(off.lifted_at, "turned on", off.student, user=off.lifted_by, detail=off.function or "Everything")
