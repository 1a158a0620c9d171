"""Promotions: the move of the champion's alias, and the way back."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from curation.errors import OdiaError
from curation.models import Application
from training.models import Promotion, Student
from training.models.promotions import AliasName
from training.selectors.aliases import challenger_of, champion_of, standing_promotion
from training.services.aliases import alias_move, refuse_if_moved
from training.services.challengers import challenger_withdraw
from training.services.checks import failing, promotion_checks


@transaction.atomic
def promote(*, student: Student, user: User | None = None, seen: int | None = None) -> Promotion:
    """Make a student the champion of its application. A challenger is one no longer then.

    Raises:
        StaleMove: there is another champion since the move `seen`.
        OdiaError: a check fails, or it is the champion already.
    """
    refuse_if_moved(application=student.application, name=AliasName.CHAMPION, seen=seen)
    checks = promotion_checks(student=student)
    if failed := failing(checks):
        raise OdiaError(f"{student} cannot be promoted: {failed}")
    if champion_of(student.application) == student:
        raise OdiaError(f"{student} is the champion already.")
    _end_trial(student.application, student, user)
    return alias_move(
        application=student.application, name=AliasName.CHAMPION, student=student, user=user, checks=checks
    )


@transaction.atomic
def roll_back(*, application: Application, user: User | None = None, seen: int | None = None) -> Promotion:
    """Take back the latest promotion that stands: the student before it is champion again, or none.

    Raises:
        StaleMove: there is another champion since the move `seen`.
        OdiaError: there is nothing to take back.
    """
    refuse_if_moved(application=application, name=AliasName.CHAMPION, seen=seen)
    standing = standing_promotion(application)
    if standing is None:
        raise OdiaError("There is no promotion to roll back.")
    _end_trial(application, standing.previous, user)
    return alias_move(
        application=application, name=AliasName.CHAMPION, student=standing.previous, user=user, rolled_back=standing
    )


def _end_trial(application: Application, champion: Student | None, user: User | None) -> None:
    """The challenger that becomes champion is tried no more."""
    if champion and challenger_of(application) == champion:
        challenger_withdraw(application=application, user=user)
