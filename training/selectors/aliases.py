"""Which students meet an application's traffic."""

from __future__ import annotations

from curation.models import Application
from training.models import Student
from training.models.promotions import AliasName


def champion_of(application: Application) -> Student | None:
    """The student that answers inline now."""
    return _behind(application, AliasName.CHAMPION)


def challenger_of(application: Application) -> Student | None:
    """The student that is tried beside the champion."""
    return _behind(application, AliasName.CHALLENGER)


def _behind(application: Application, name: AliasName) -> Student | None:
    alias = application.aliases.filter(name=name).select_related("student__tool_set").first()
    return alias.student if alias else None
