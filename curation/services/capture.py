"""The one way in which traffic is written: in bulk, idempotent by key, with the hourly sums in the same transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from curation.identifiers import time_of
from curation.ml.calls import same_call
from curation.models import Application, ToolSetVersion
from curation.models.traffic import Route
from curation.services.captured import (
    DECISION,
    QUERY,
    SHADOW,
    TEACHER_CALL,
    Capture,
    Shadow,
    Table,
    decision_row,
    query_row,
    shadow_row,
    teacher_call_row,
)
from curation.services.forgetting import shadows_forget, without_forgotten
from curation.services.partitions import ensure_partitions
from curation.services.rollups import HourKey, HourSums, add_to_hours


@transaction.atomic
def capture(captures: Sequence[Capture]) -> int:
    """Write queries, their teacher calls and decisions; those already there, or of forgotten users, are left alone.

    Returns:
        How many of the queries were new.
    """
    ensure_partitions(time_of(row.id) for row in captures)
    wanted = without_forgotten(captures)
    if len(wanted) < len(captures):
        shadows_forget(list({row.id for row in captures} - {row.id for row in wanted}))
    captures = wanted
    if not captures:
        return 0
    new_ids = _insert(QUERY, [query_row(row) for row in captures])
    new = list({row.id: row for row in captures if row.id in new_ids}.values())
    _insert(TEACHER_CALL, [teacher_call_row(row, row.answer) for row in new if row.answer])
    agreements = _agreements(new)
    _insert(DECISION, [decision_row(row, row.decision, agreements.get(row.id)) for row in new if row.decision])
    add_to_hours(_hours(new))
    return len(new)


@transaction.atomic
def capture_shadows(shadows: Sequence[Shadow]) -> int:
    """Write what a challenger would have answered; returns how many of the answers were new."""
    ensure_partitions(time_of(row.query_id) for row in shadows)
    shadows = without_forgotten(shadows)
    if not shadows:
        return 0
    return len(_insert(SHADOW, [shadow_row(row) for row in shadows]))


def _insert(table: Table, rows: Sequence[tuple[Any, ...]]) -> set[UUID]:
    """COPY the rows into a temporary table, and from there what is new; returns the new keys."""
    if not rows:
        return set()
    columns = ", ".join(table.columns)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE incoming ON COMMIT DROP AS SELECT {columns} FROM {table.name} LIMIT 0")
        with cursor.copy(f"COPY incoming ({columns}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute(
            f"INSERT INTO {table.name} ({columns}) SELECT DISTINCT ON ({table.columns[0]}) {columns} FROM incoming "
            f"ON CONFLICT DO NOTHING RETURNING {table.columns[0]}"
        )
        inserted = {key for (key,) in cursor.fetchall()}
        cursor.execute("DROP TABLE incoming")
    return inserted


def _agreements(rows: Iterable[Capture]) -> dict[UUID, bool]:
    """For queries that both the student and the teacher answered: whether they agree."""
    both = [row for row in rows if row.answer and row.decision and row.decision.call]
    applications = Application.objects.in_bulk({row.application_id for row in both})
    tool_sets = ToolSetVersion.objects.in_bulk({row.tool_set_id for row in both if row.tool_set_id})
    return {
        row.id: same_call(
            row.decision.call,  # type: ignore[union-attr]
            row.answer.call,  # type: ignore[union-attr]
            tool_sets[row.tool_set_id].tool_set if row.tool_set_id in tool_sets else None,
            applications[row.application_id].comparison_rules,
        )
        and not row.answer.several_calls  # type: ignore[union-attr]
        for row in both
    }


def _hours(rows: Iterable[Capture]) -> dict[HourKey, HourSums]:
    hours: dict[HourKey, HourSums] = {}
    for row in rows:
        route = row.decision.route if row.decision else Route.TEACHER
        key = HourKey(row.application_id, row.arrived_at.replace(minute=0, second=0, microsecond=0), route, row.source)
        sums = hours.setdefault(key, HourSums())
        sums.add_request(_latency_ms(row))
        if row.answer:
            sums.prompt_tokens += row.answer.prompt_tokens
            sums.completion_tokens += row.answer.completion_tokens
    return hours


def _latency_ms(row: Capture) -> float | None:
    """What the application waited: through the gateway all in all, else the teacher's time."""
    if row.decision:
        return row.decision.total_ms
    return row.answer.latency_ms if row.answer else None
