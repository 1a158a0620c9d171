"""The move of an alias, with its record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from django.contrib.auth.models import User
from django.db import transaction

from curation.errors import OdiaError
from curation.models import Application
from training.models import Alias, Promotion, Student
from training.models.promotions import AliasName
from training.services.checks import Check
from training.services.switch_offs import tallies_restart


class StaleMove(OdiaError):
    """Somebody has moved the alias since the page was shown."""


def latest_move(application: Application) -> int:
    """The key of the newest move of an alias or change of a canary, which pages show and forms send back; 0: none."""
    return application.promotions.values_list("pk", flat=True).first() or 0


def refuse_if_moved(*, application: Application, name: AliasName, seen: int | None) -> None:
    """Refuse to go on where the alias was moved after the move that the page had `seen`; None: nothing was seen.

    From here to the end of the transaction nobody else moves it.

    Raises:
        StaleMove: it was, with who did what.
    """
    Application.objects.select_for_update(no_key=True).get(pk=application.pk)
    if seen is None:
        return
    moves = Promotion.objects.filter(application=application, alias=name, pk__gt=seen)
    latest = moves.select_related("student", "promoted_by").first()
    if latest:
        what = f"made {latest.student} {name}" if latest.student else f"left no {name}"
        if latest.student_id and latest.student_id == latest.previous_id:
            what = "changed the canary"
        raise StaleMove(
            f"Nothing was done: {latest.promoted_by or 'the policy'} {what} since this page was shown. "
            "Look at it again, then decide."
        )


@transaction.atomic
def alias_move(
    *,
    application: Application,
    name: AliasName,
    student: Student | None,
    user: User | None = None,
    checks: Sequence[Check] = (),
    rolled_back: Promotion | None = None,
) -> Promotion:
    """Let an alias name this student, or none. What audits see of the student is counted anew from here on."""
    Application.objects.select_for_update(no_key=True).get(pk=application.pk)
    before = Alias.objects.filter(application=application, name=name).select_related("student").first()
    if student is None:
        Alias.objects.filter(application=application, name=name).delete()
    else:
        Alias.objects.update_or_create(application=application, name=name, defaults={"student": student})
        tallies_restart(student=student)
    return Promotion.objects.create(
        application=application,
        alias=name,
        student=student,
        previous=before.student if before else None,
        rolled_back=rolled_back,
        checks=[asdict(check) for check in checks],
        promoted_by=user,
    )
