"""What is written of traffic: the values that callers give, and the rows that they become."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from curation.identifiers import derived_id, time_of
from curation.ml.calls import Call
from curation.models import Query, RouterDecision, ShadowAnswer, TeacherCall
from curation.models.traffic import Purpose, Source


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
    client_id: str = ""


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


class Table(NamedTuple):
    name: str
    columns: list[str]


QUERY = Table(
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
TEACHER_CALL = Table(
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
DECISION = Table(
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
SHADOW = Table(
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


def query_row(row: Capture) -> tuple[Any, ...]:
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


def teacher_call_row(row: Capture, answer: TeacherAnswer) -> tuple[Any, ...]:
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


def decision_row(row: Capture, decision: Decision, agrees: bool | None) -> tuple[Any, ...]:
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


def shadow_row(row: Shadow) -> tuple[Any, ...]:
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
