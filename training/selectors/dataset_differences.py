"""What one version of a dataset has otherwise than another, text by text.

A text is the same up to case and white space; it stands in one split of a dataset, with one call or several.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.cache import cache
from django.db import connection, models

from training.models import Dataset, DatasetExample
from training.selectors.dataset_examples import queries_gone
from training.selectors.datasets import BalanceRow, balance_rows

PAIRS_PER_PAGE = 30


class Kind(models.TextChoices):
    ADDED = "added", "Added"
    REMOVED = "removed", "Removed"
    CHANGED = "changed", "Another call"
    REROUTED = "rerouted", "Another route"
    MOVED = "moved", "Another split"


CONDITIONS: dict[str, str] = {
    Kind.ADDED.value: "older.id IS NULL",
    Kind.REMOVED.value: "newer.id IS NULL",
    Kind.CHANGED.value: "older.calls <> newer.calls",
    Kind.REROUTED.value: "older.calls = newer.calls AND older.routes <> newer.routes",
    Kind.MOVED.value: "older.split <> newer.split",
}
UNCHANGED = "older.calls = newer.calls AND older.routes = newer.routes AND older.split = newer.split"
TEXTS = """
    SELECT text_key, min(id) AS id, min(split) AS split, bit_xor(call_key) AS calls,
           bit_xor(hashtextextended(route, call_key)) AS routes
    FROM training_datasetexample WHERE dataset_id = %s GROUP BY text_key
"""
JOINED = f"FROM ({TEXTS}) AS older FULL JOIN ({TEXTS}) AS newer USING (text_key)"


@dataclass(frozen=True, slots=True)
class Pair:
    """One text: its examples in the older and in the newer version."""

    older: list[DatasetExample]
    newer: list[DatasetExample]

    @property
    def either(self) -> list[DatasetExample]:
        return self.newer or self.older

    @property
    def example(self) -> DatasetExample:
        return self.either[0]


@dataclass(frozen=True, slots=True)
class PairsPage:
    """Some pairs in the order of their examples' keys; `after` continues the list, None at its end.

    `gone` are the queries that retention has deleted since.
    """

    rows: list[Pair]
    after: int | None
    gone: set[UUID]


@dataclass(frozen=True, slots=True)
class BalanceChange:
    """Examples of one function, or of one route of what is to be refused, in either version."""

    row: BalanceRow
    older: int
    newer: int

    @property
    def change(self) -> int:
        return self.newer - self.older


def counts(older: Dataset, newer: Dataset) -> dict[str, int]:
    """How many texts there are of each kind, and how many are `unchanged`. Datasets never change: counted once."""
    names = [f"{version.pk}-{version.created_at.timestamp()}" for version in (older, newer)]
    return cache.get_or_set(":".join(["differences", *names]), lambda: _counted(older, newer), None) or {}


def _counted(older: Dataset, newer: Dataset) -> dict[str, int]:
    conditions: dict[str, str] = {**CONDITIONS, "unchanged": UNCHANGED}
    columns = ", ".join(f"count(*) FILTER (WHERE {condition})" for condition in conditions.values())
    [row] = _rows(f"SELECT {columns} {JOINED}", [older.pk, newer.pk])
    return dict(zip(map(str, conditions), row, strict=True))


def pairs(older: Dataset, newer: Dataset, kind: str, after: int = 0) -> PairsPage:
    """The texts of one kind behind the example `after`."""
    key = "older.id" if kind == Kind.REMOVED else "newer.id"
    sql = f"SELECT text_key, {key} {JOINED} WHERE {CONDITIONS[Kind(kind)]} AND {key} > %s ORDER BY {key} LIMIT %s"
    found = _rows(sql, [older.pk, newer.pk, after, PAIRS_PER_PAGE + 1])
    shown = found[:PAIRS_PER_PAGE]
    texts = [text_key for text_key, _ in shown]
    sides = [_by_text(dataset, texts) for dataset in (older, newer)]
    more = len(found) > PAIRS_PER_PAGE
    rows = [Pair(*(side[text] for side in sides)) for text in texts]
    return PairsPage(rows, shown[-1][1] if more else None, queries_gone(pair.example for pair in rows))


def balance_changes(older: Dataset, newer: Dataset) -> list[BalanceChange]:
    """Every function of either version, the greatest change first."""
    before = {(row.label, row.route): row.total for row in balance_rows(older.balance)}
    rows = {(row.label, row.route): row for version in (older, newer) for row in balance_rows(version.balance)}
    after = {(row.label, row.route): row.total for row in balance_rows(newer.balance)}
    changes = [BalanceChange(row, before.get(name, 0), after.get(name, 0)) for name, row in rows.items()]
    return sorted(changes, key=lambda change: (-abs(change.change), change.row.label))


def _by_text(dataset: Dataset, texts: list[int]) -> defaultdict[int, list[DatasetExample]]:
    found: defaultdict[int, list[DatasetExample]] = defaultdict(list)
    for example in dataset.examples.filter(text_key__in=texts):
        found[example.text_key].append(example)
    return found


def _rows(sql: str, parameters: list[int]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()
