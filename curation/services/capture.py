"""The one way in which traffic is written: in bulk, idempotent by key, with the hourly sums in the same transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction

from curation.identifiers import derived_id, time_of
from curation.ml.calls import Call, same_call
from curation.models import Application, Query, RouterDecision, ShadowAnswer, TeacherCall, ToolSetVersion
from curation.models.traffic import Purpose, Route, Source
from curation.services.partitions import ensure_partitions
from curation.services.rollups import HourKey, HourSums, add_to_hours


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherAnswer:
    """What the teacher answered to a query. `latency_ms` is its own, in milliseconds."""

    call: Call | None
    several_calls: bool = False
    latency_ms: float | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """How the gateway answered. `call` is the student's, whether it was sent or not."""

    route: str
    reason: str
    total_ms: float
    status: int = 200
    student: str = ""
    call: Call | None = None
    confidence: float | None = None
    threshold: float | None = None
    steps: dict[str, float] = field(default_factory=dict)
    audit: bool = False
    """Whether the teacher shall be asked about it."""
    request: dict[str, Any] | None = None
    """What the teacher is asked then: the request's fields, but for its tools and model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadow:
    """What a challenger would have answered. `query_id` may be of a query that is written later."""

    query_id: UUID
    application_id: int
    student: str
    call: Call | None
    confidence: float
    threshold: float | None
    answered_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """One query with all that is known about it when it is written. `id` is a UUIDv7 of its time."""

    id: UUID
    application_id: int
    tool_set_id: int | None
    text: str
    arrived_at: datetime
    source: Source
    context: list[dict[str, Any]] = field(default_factory=list)
    client_id: str = ""
    answer: TeacherAnswer | None = None
    decision: Decision | None = None


class _Table(NamedTuple):
    name: str
    columns: list[str]


_QUERY = _Table(
    Query._meta.db_table,
    [
        "id",
        "application_id",
        "tool_set_id",
        "text",
        "context",
        "source",
        "client_id",
        "arrived_at",
        "labelled",
        "function",
        "arguments",
        "several_calls",
        "corrected",
        "excluded",
        "latency_ms",
    ],
)
_TEACHER_CALL = _Table(
    TeacherCall._meta.db_table,
    [
        "id",
        "application_id",
        "query_id",
        "purpose",
        "model",
        "function",
        "arguments",
        "several_calls",
        "latency_ms",
        "prompt_tokens",
        "completion_tokens",
        "called_at",
    ],
)
_DECISION = _Table(
    RouterDecision._meta.db_table,
    [
        "query_id",
        "application_id",
        "route",
        "reason",
        "student",
        "function",
        "arguments",
        "confidence",
        "threshold",
        "steps",
        "total_ms",
        "status",
        "agrees",
        "decided_at",
        "audit_due",
        "audit_request",
    ],
)
_SHADOW = _Table(
    ShadowAnswer._meta.db_table,
    [
        "query_id",
        "application_id",
        "student",
        "function",
        "arguments",
        "confidence",
        "threshold",
        "answered_at",
    ],
)


@transaction.atomic
def capture(captures: Sequence[Capture]) -> int:
    """Write queries, their teacher calls and decisions; those already there are left alone.

    Returns:
        How many of the queries were new.
    """
    if not captures:
        return 0
    ensure_partitions(time_of(row.id) for row in captures)
    new_ids = _insert(_QUERY, [_query_row(row) for row in captures])
    new = list({row.id: row for row in captures if row.id in new_ids}.values())
    _insert(_TEACHER_CALL, [_teacher_call_row(row, row.answer) for row in new if row.answer])
    agreements = _agreements(new)
    _insert(_DECISION, [_decision_row(row, row.decision, agreements.get(row.id)) for row in new if row.decision])
    add_to_hours(_hours(new))
    return len(new)


@transaction.atomic
def capture_shadows(shadows: Sequence[Shadow]) -> int:
    """Write what a challenger would have answered; returns how many of the answers were new."""
    if not shadows:
        return 0
    ensure_partitions(time_of(row.query_id) for row in shadows)
    return len(_insert(_SHADOW, [_shadow_row(row) for row in shadows]))


def _insert(table: _Table, rows: Sequence[tuple[Any, ...]]) -> set[UUID]:
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


def _query_row(row: Capture) -> tuple[Any, ...]:
    answer = row.answer
    function, arguments = _call_columns(answer.call if answer else None)
    return (
        row.id,
        row.application_id,
        row.tool_set_id,
        row.text,
        json.dumps(row.context),
        str(row.source),
        row.client_id[:200],
        row.arrived_at,
        answer is not None,
        function,
        arguments,
        bool(answer and answer.several_calls),
        False,
        False,
        answer.latency_ms if answer else None,
    )


def _teacher_call_row(row: Capture, answer: TeacherAnswer) -> tuple[Any, ...]:
    return (
        derived_id(time_of(row.id), str(row.id), Purpose.INLINE),
        row.application_id,
        row.id,
        str(Purpose.INLINE),
        answer.model[:200],
        *_call_columns(answer.call),
        answer.several_calls,
        answer.latency_ms,
        answer.prompt_tokens,
        answer.completion_tokens,
        row.arrived_at,
    )


def _decision_row(row: Capture, decision: Decision, agrees: bool | None) -> tuple[Any, ...]:
    return (
        row.id,
        row.application_id,
        str(decision.route),
        decision.reason[:200],
        decision.student,
        *_call_columns(decision.call),
        decision.confidence,
        decision.threshold,
        json.dumps(decision.steps),
        decision.total_ms,
        decision.status,
        agrees,
        row.arrived_at,
        decision.audit,
        None if decision.request is None else json.dumps(decision.request),
    )


def _shadow_row(row: Shadow) -> tuple[Any, ...]:
    return (
        row.query_id,
        row.application_id,
        row.student,
        *_call_columns(row.call),
        row.confidence,
        row.threshold,
        row.answered_at,
    )


def _call_columns(call: Call | None) -> tuple[str, str]:
    return (call.name, json.dumps(call.arguments)) if call else ("", "{}")


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
