"""Reads of the evaluation pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from curation.models import Application, Job
from curation.models.jobs import JobKind
from training.models import Evaluation
from training.models.promotions import AliasName

EVALUATIONS_PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class EvaluationsPage:
    """Some evaluations, the newest first; `before` continues the list, None at its end."""

    rows: list[Evaluation]
    before: int | None


def evaluations_page(
    application: Application, before: int = 0, *, dataset: int = 0, student: int = 0
) -> EvaluationsPage:
    """Those before the key `before`, of one dataset or one student; 0 narrows nothing."""
    given = {"pk__lt": before, "dataset": dataset, "student": student}
    rows = evaluations_of(application).filter(**{name: value for name, value in given.items() if value})
    found = list(rows[: EVALUATIONS_PER_PAGE + 1])
    shown = found[:EVALUATIONS_PER_PAGE]
    return EvaluationsPage(shown, shown[-1].pk if len(found) > EVALUATIONS_PER_PAGE else None)


def evaluations_of(application: Application) -> QuerySet[Evaluation]:
    """An application's evaluations, the newest first."""
    return (
        Evaluation.objects.filter(student__application=application)
        .select_related("student", "dataset")
        .defer("curve", "per_function")
    )


def newest_live_job(application: Application) -> Job | None:
    """The job that evaluates on live traffic, or did so last."""
    return application.jobs.filter(kind=JobKind.EVALUATE, parameters__has_key="students").first()


def champion_evaluation(evaluation: Evaluation) -> Evaluation | None:
    """The champion's latest evaluation on the same dataset or window; None if there is none or it is this student's."""
    return (
        Evaluation.objects.filter(
            dataset=evaluation.dataset_id,
            window_from=evaluation.window_from,
            window_to=evaluation.window_to,
            student__aliases__name=AliasName.CHAMPION,
            student__aliases__application=evaluation.student.application_id,
        )
        .exclude(student=evaluation.student_id)
        .select_related("student")
        .first()
    )


def curve_with_threshold(evaluation: Evaluation) -> tuple[list[dict[str, Any]], int | None]:
    """The risk-coverage curve with the threshold in force among its points, and the place of that point.

    The curve itself holds a sample of the thresholds. The place is None where no threshold is in force, or nothing was
    answered at it.
    """
    curve, figures, threshold = evaluation.curve, evaluation.figures, evaluation.threshold
    if threshold is None or figures["disagreement_inline"] is None or not curve:
        return curve, None
    point = {
        "threshold": threshold,
        "coverage": figures["coverage"],
        "disagreement": figures["disagreement_inline"],
        "upper_bound": figures["disagreement_inline_upper_bound"],
    }
    stricter = [other for other in curve if other["threshold"] > threshold]
    laxer = [other for other in curve if other["threshold"] < threshold]
    return [*stricter, point, *laxer], len(stricter)
