"""Reads of the evaluation pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from curation.models import Application
from training.models import Evaluation, EvaluationExample
from training.models.promotions import AliasName

EVALUATIONS_SHOWN = 100
DISAGREEMENTS_PER_PAGE = 30


@dataclass(frozen=True, slots=True)
class DisagreementsPage:
    """Some disagreements, the most confident first; `after` continues the list, empty at its end."""

    rows: list[EvaluationExample]
    after: str


def evaluations_of(application: Application) -> QuerySet[Evaluation]:
    """An application's evaluations, the newest first."""
    return (
        Evaluation.objects.filter(student__application=application)
        .select_related("student", "dataset")
        .defer("curve", "per_function")
    )


def champion_evaluation(evaluation: Evaluation) -> Evaluation | None:
    """The champion's latest evaluation on the same dataset; None if there is none or it is this student's."""
    return (
        Evaluation.objects.filter(
            dataset=evaluation.dataset_id,
            student__aliases__name=AliasName.CHAMPION,
            student__aliases__application=evaluation.student.application_id,
        )
        .exclude(student=evaluation.student_id)
        .select_related("student")
        .first()
    )


def point_at(curve: list[dict[str, Any]], threshold: float | None) -> int | None:
    """The place in the curve of the point nearest to a threshold; None without a threshold or a curve."""
    if threshold is None or not curve:
        return None
    return min(range(len(curve)), key=lambda place: abs(curve[place]["threshold"] - threshold))


def disagreements_page(
    evaluation: Evaluation, *, served: str = "", function: str | None = None, text: str = "", after: str = ""
) -> DisagreementsPage:
    """Disagreements behind `after`.

    `served` is empty (inline: what the application would have received), "teacher" (what the gate held back) or
    "all"; `function` is that of the reference call, None for any.
    """
    rows = evaluation.examples.filter(agrees=False).filter(_served(served), _behind(after))
    if function is not None:
        rows = rows.filter(function=function)
    if text:
        rows = rows.filter(text__icontains=text)
    found = list(rows[: DISAGREEMENTS_PER_PAGE + 1])
    more = len(found) > DISAGREEMENTS_PER_PAGE
    shown = found[:DISAGREEMENTS_PER_PAGE]
    return DisagreementsPage(shown, f"{shown[-1].confidence!r}~{shown[-1].pk}" if more else "")


def _served(served: str) -> Q:
    if served == "all":
        return Q()
    return Q(served_by="") if served == "teacher" else ~Q(served_by="")


def _behind(after: str) -> Q:
    """Rows behind the one that a page ended with, in the order of confidence and key."""
    try:
        confidence, key = after.split("~")
        place = float(confidence), int(key)
    except ValueError:
        return Q()
    return Q(confidence__lt=place[0]) | Q(confidence=place[0], pk__gt=place[1])
