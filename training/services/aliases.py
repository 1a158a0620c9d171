"""The move of an alias, with its record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from django.contrib.auth.models import User
from django.db import transaction

from curation.models import Application
from training.models import Alias, Promotion, Student
from training.models.promotions import AliasName
from training.services.checks import Check
from training.services.switch_offs import tallies_restart


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
