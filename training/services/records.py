"""The lines of the spool: one for each answered request, and one for each answer of a shadowed challenger."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from curation.ml.calls import Call


class AnswerRecord(msgspec.Struct, omit_defaults=True):
    """What the teacher answered. Latency in milliseconds."""

    call: Call | None = None
    several_calls: bool = False
    latency_ms: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    model: str = ""


class RequestRecord(msgspec.Struct, omit_defaults=True):
    """One request and how it was answered. `text` is None where the last message is not the user's."""

    id: UUID
    application_id: int
    key_id: int
    arrived_at: datetime
    route: str
    reason: str
    total_ms: float
    status: int
    text: str | None = None
    context: list[dict[str, Any]] = []
    client_id: str = ""
    tool_set: str = ""
    tools: list[Any] | None = None
    student: str = ""
    call: Call | None = None
    confidence: float | None = None
    threshold: float | None = None
    steps: dict[str, float] = {}
    answer: AnswerRecord | None = None
    audit: bool = False
    """Whether the teacher shall be asked about this inline answer."""
    request: dict[str, Any] | None = None
    """What the teacher is asked then: the fields of the request, but for its tools and model."""
    masked: bool = False
    """Whether personal data in it is made up already."""


class ShadowRecord(msgspec.Struct, omit_defaults=True):
    """What a challenger would have answered to a request."""

    shadow_of: UUID
    application_id: int
    student: str
    answered_at: datetime
    confidence: float
    call: Call | None = None
    threshold: float | None = None
    client_id: str = ""
    masked: bool = False


SHADOW_START = b'{"shadow_of"'


def read_record(line: bytes) -> RequestRecord | ShadowRecord:
    """Raises msgspec.MsgspecError or UnicodeDecodeError where the line is neither."""
    if line.startswith(SHADOW_START):
        return msgspec.json.decode(line, type=ShadowRecord)
    return msgspec.json.decode(line, type=RequestRecord)
