"""The challenger: a student tried beside the champion, on a part of the users (canary) or unseen by any (shadow)."""

from __future__ import annotations

from dataclasses import asdict

from django.contrib.auth.models import User
from django.db import transaction

from curation.errors import OdiaError
from curation.models import Application
from training.models import Promotion, RoutingPolicy, Student
from training.models.promotions import AliasName
from training.selectors.aliases import challenger_of, champion_of
from training.services.aliases import alias_move, refuse_if_moved
from training.services.checks import Check, challenger_checks, failing
from training.services.policies import policy_of


@transaction.atomic
def challenger_set(*, student: Student, user: User | None = None, seen: int | None = None) -> Promotion:
    """Make a student the challenger of its application, in another's place if there is one.

    It meets no traffic before `canary_set` says so.

    Raises:
        StaleMove: another is the challenger since the move `seen`.
        OdiaError: a check fails, or it is the champion or the challenger already.
    """
    application = student.application
    refuse_if_moved(application=application, name=AliasName.CHALLENGER, seen=seen)
    if champion_of(application) == student:
        raise OdiaError(f"{student} is the champion; a challenger is another student, tried beside it.")
    if challenger_of(application) == student:
        raise OdiaError(f"{student} is the challenger already.")
    checks = challenger_checks(student=student)
    if failed := failing(checks):
        raise OdiaError(f"{student} cannot be the challenger: {failed}")
    _stop_trial(application)
    return alias_move(application=application, name=AliasName.CHALLENGER, student=student, user=user, checks=checks)


@transaction.atomic
def challenger_withdraw(*, application: Application, user: User | None = None, seen: int | None = None) -> Promotion:
    """Let the champion alone answer inline again, and end the shadow.

    Raises:
        StaleMove: the challenger or its canary was changed since the move `seen`.
        OdiaError: there is no challenger.
    """
    refuse_if_moved(application=application, name=AliasName.CHALLENGER, seen=seen)
    _challenger(application)
    _stop_trial(application)
    return alias_move(application=application, name=AliasName.CHALLENGER, student=None, user=user)


@transaction.atomic
def canary_set(
    *, application: Application, share: float, shadow: bool, user: User | None = None, seen: int | None = None
) -> Promotion:
    """Set the share of users that the challenger answers, and whether it answers unseen beside the champion.

    Raises:
        StaleMove: the challenger or its canary was changed since the move `seen`.
        OdiaError: there is no challenger, or the share is not between 0 and 1.
    """
    refuse_if_moved(application=application, name=AliasName.CHALLENGER, seen=seen)
    challenger = _challenger(application)
    if not 0 <= share <= 1:
        raise OdiaError("The canary share must be between 0 and 1.")
    policy = policy_of(application)
    before = _words(policy.canary_share, policy.shadow)
    RoutingPolicy.objects.filter(pk=policy.pk).update(canary_share=share, shadow=shadow)
    change = Check("canary", True, f"It meets {_words(share, shadow)}; before: {before}.")
    return Promotion.objects.create(
        application=application,
        alias=AliasName.CHALLENGER,
        student=challenger,
        previous=challenger,
        checks=[asdict(change)],
        promoted_by=user,
    )


def _challenger(application: Application) -> Student:
    challenger = challenger_of(application)
    if challenger is None:
        raise OdiaError("There is no challenger. Make a student the challenger on its page.")
    return challenger


def _stop_trial(application: Application) -> None:
    RoutingPolicy.objects.filter(application=application).update(canary_share=0.0, shadow=False)


def _words(share: float, shadow: bool) -> str:
    return f"{share:.1%} of the users, {'with' if shadow else 'without'} a shadow"
