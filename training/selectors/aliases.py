"""Which students meet an application's traffic."""

from __future__ import annotations

from curation.models import Application
from training.models import Promotion, Student
from training.models.promotions import AliasName


def champion_of(application: Application) -> Student | None:
    """The student that answers inline now."""
    return _behind(application, AliasName.CHAMPION)


def challenger_of(application: Application) -> Student | None:
    """The student that is tried beside the champion."""
    return _behind(application, AliasName.CHALLENGER)


def aliases_of(application: Application) -> dict[str, Student]:
    """The students behind the names, read at once."""
    rows = application.aliases.select_related("student__tool_set")
    return {alias.name: alias.student for alias in rows}


def evaluated_live(application: Application) -> list[Student]:
    """The students that are held against live traffic: the champion, then the challenger, as far as there are."""
    rows = application.aliases.select_related("student__tool_set", "student__dataset", "student__application")
    return [alias.student for alias in sorted(rows, key=lambda alias: alias.name != AliasName.CHAMPION)]


def standing_promotion(application: Application) -> Promotion | None:
    """The latest promotion that was not taken back, which a roll back takes back: to its `previous` student."""
    moves = Promotion.objects.filter(application=application, alias=AliasName.CHAMPION).select_related("previous")
    taken_back = moves.filter(rolled_back__isnull=False).values("rolled_back")
    return moves.filter(rolled_back__isnull=True).exclude(pk__in=taken_back).first()


def _behind(application: Application, name: AliasName) -> Student | None:
    alias = application.aliases.filter(name=name).select_related("student__tool_set").first()
    return alias.student if alias else None
