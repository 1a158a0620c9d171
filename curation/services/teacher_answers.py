"""What a teacher answered when ODIA itself asked: kept as its call, and where it is wanted as the reference call."""

from __future__ import annotations

from django.utils import timezone

from curation.identifiers import derived_id, time_of
from curation.models import Query, TeacherCall, ToolSetVersion
from curation.models.traffic import Purpose
from curation.teachers.openai_api import TeacherAnswer


def teacher_call_keep(*, query: Query, answer: TeacherAnswer, model: str, purpose: Purpose, mark: str = "") -> None:
    """Keep an answer; the same answer of a query, told from its others by purpose and `mark`, is kept once."""
    call = TeacherCall(
        id=derived_id(time_of(query.pk), str(query.pk), purpose, *([mark] if mark else [])),
        application_id=query.application_id,
        query=query,
        purpose=purpose,
        model=model[:200],
        function=answer.call.name if answer.call else "",
        arguments=answer.call.arguments if answer.call else {},
        several_calls=answer.several_calls,
        latency_ms=answer.latency_ms,
        prompt_tokens=answer.prompt_tokens or 0,
        completion_tokens=answer.completion_tokens or 0,
        called_at=timezone.now(),
    )
    TeacherCall.objects.bulk_create([call], ignore_conflicts=True)


def query_label(*, query: Query, answer: TeacherAnswer, tool_set: ToolSetVersion | None = None) -> None:
    """Make the teacher's answer the reference call; `tool_set` is the one that it was given, if not the query's own.

    What the query's pattern was hangs on the call, so it is found anew by the next clustering.
    """
    query.labelled = True
    query.function = answer.call.name if answer.call else ""
    query.arguments = answer.call.arguments if answer.call else {}
    query.several_calls = answer.several_calls
    query.latency_ms = answer.latency_ms
    query.pattern = None
    query.tool_set = tool_set or query.tool_set
    query.save(
        update_fields=["labelled", "function", "arguments", "several_calls", "latency_ms", "pattern", "tool_set"]
    )
