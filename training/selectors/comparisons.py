"""A student beside another on the same examples: which examples the one gets right and the other does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from django.db.models import Q, QuerySet
from scipy.stats import binomtest

from training.models import DatasetExample, Evaluation, EvaluationExample
from training.models.datasets import Split

Side = Literal["won", "lost"]
PER_PAGE = 30
LIKELY_CHANCE = 0.05


@dataclass(frozen=True, slots=True)
class Comparison:
    """Examples that one student alone gets right, of `examples` that both were held against.

    `right` is that the call is the reference call, whether the gate let it pass or not; each distinct query counts
    once. `learned` counts the examples whose query the other learned from, which flatters it.
    """

    examples: int
    won: int
    lost: int
    learned: int

    @property
    def net(self) -> int:
        return self.won - self.lost

    @property
    def chance(self) -> float:
        """How likely so uneven a split is between equal students (McNemar's test, exact and two-sided)."""
        return float(binomtest(self.won, self.won + self.lost).pvalue) if self.won + self.lost else 1.0

    @property
    def is_chance(self) -> bool:
        return self.chance >= LIKELY_CHANCE


@dataclass(frozen=True, slots=True)
class Row:
    """One example: what the student answered, and what the other did."""

    example: EvaluationExample
    other: EvaluationExample


@dataclass(frozen=True, slots=True)
class RowsPage:
    rows: list[Row]
    after: int | None


def compare(evaluation: Evaluation, other: Evaluation) -> Comparison:
    common = evaluation.examples.filter(query_id__in=other.examples.values("query_id"))
    return Comparison(
        common.count(),
        decided(evaluation, other, "won").count(),
        decided(evaluation, other, "lost").count(),
        other.examples.filter(query_id__in=learned_by(other)).count(),
    )


def decided(evaluation: Evaluation, other: Evaluation, side: Side) -> QuerySet[EvaluationExample]:
    """The examples that this student gets right and the other wrong (won), or the reverse (lost)."""
    won = side == "won"
    others = other.examples.filter(agrees=not won).values("query_id")
    return evaluation.examples.filter(agrees=won, query_id__in=others).order_by("pk")


def rows_page(
    evaluation: Evaluation,
    other: Evaluation,
    side: Side,
    *,
    function: str | None = None,
    text: str = "",
    after: int = 0,
) -> RowsPage:
    """The won or the lost examples behind the key `after`; `function` is that of the reference call, None for any."""
    narrowed = Q(pk__gt=after) & (Q() if function is None else Q(function=function)) & Q(text__icontains=text)
    found = list(decided(evaluation, other, side).filter(narrowed)[: PER_PAGE + 1])
    shown = found[:PER_PAGE]
    others = {row.query_id: row for row in other.examples.filter(query_id__in=[row.query_id for row in shown])}
    rows = [Row(row, others[row.query_id]) for row in shown]
    return RowsPage(rows, shown[-1].pk if len(found) > PER_PAGE else None)


def learned_by(evaluation: Evaluation) -> QuerySet[DatasetExample, UUID]:
    """The queries that an evaluation's student had learned from, where it was made from another dataset."""
    dataset = evaluation.student.dataset_id
    rows = DatasetExample.objects.filter(dataset=dataset).exclude(split=Split.TEST).values_list("query_id", flat=True)
    return rows.none() if dataset == evaluation.dataset_id else rows
