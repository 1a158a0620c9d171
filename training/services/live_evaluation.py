"""Evaluations on live traffic: champion and challenger held against the same queries of a window."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from curation.errors import OdiaError
from curation.services.jobs import Report
from training.models import Evaluation, Student
from training.services.evaluations import evaluation_store, held_against
from training.services.live_drawing import LEAST_QUERIES, LiveSample, begin_of, draw_live, too_few_live
from training.services.regressions import live_regressions
from training.students.evaluation import EvaluationReport

READING_SHARE = 0.1
"""Of a live evaluation's time."""


def evaluate_live(
    *, students: Sequence[Student], window_from: datetime, window_to: datetime, report: Report
) -> list[Evaluation]:
    """Hold one student, or two beside each other, against the same examples; the first is the champion.

    Which queries are examples, and for how many each stands, is told in `live_drawing`. The evaluations appear
    together, with the functions at which the champion got worse than on its own test split, and the other worse than
    the champion.

    Raises:
        OdiaError: an artifact cannot be loaded, or too few answered queries are a fair picture of the traffic.
    """
    sample = draw_live(students, window_from, window_to, _part(report, 0.0, READING_SHARE))
    if sample.queries < LEAST_QUERIES:
        raise OdiaError(_too_few(students, sample.queries, window_from))
    each = (1 - READING_SHARE) / len(students)
    outcomes = [
        held_against(student, sample.examples, _part(report, READING_SHARE + place * each, each))
        for place, student in enumerate(students)
    ]
    return _store_all(students, sample, outcomes, window_to)


def require_enough_live(*, students: Sequence[Student], window_from: datetime) -> None:
    """Before a job starts that could only fail.

    Raises:
        OdiaError: the same as `evaluate_live` would say of too few queries.
    """
    found = too_few_live(students, window_from)
    if found is not None:
        raise OdiaError(_too_few(students, found, window_from))


@transaction.atomic
def _store_all(
    students: Sequence[Student], sample: LiveSample, outcomes: Sequence[EvaluationReport], window_to: datetime
) -> list[Evaluation]:
    window = (sample.window_from, window_to)
    evaluations = [
        evaluation_store(student=student, rows=sample.examples, outcome=outcome, window=window)
        for student, outcome in zip(students, outcomes, strict=True)
    ]
    for evaluation in evaluations:
        live_regressions(evaluation=evaluation, champion=evaluations[0])
    return evaluations


def _too_few(students: Sequence[Student], queries: int, window_from: datetime) -> str:
    newest = max(students, key=lambda student: student.dataset.created_at)
    if begin_of(students, window_from) > window_from:
        since = f"since dataset {newest.dataset.version} was built, from which {newest} learned,"
    else:
        since = "in this window"
    return (
        f"Only {queries} answered quer{'y' if queries == 1 else 'ies'} {since} can be looked at, and "
        f"{LEAST_QUERIES} are needed: raise the audit share, ask the teacher about the queries without an answer, or "
        "wait for more traffic."
    )


def _part(report: Report, begin: float, share: float) -> Report:
    """Reports of a part as reports of the whole."""

    def part(phase: str, fraction: float, message: str = "") -> None:
        report(phase, begin + share * fraction, message)

    return part
