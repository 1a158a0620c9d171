"""What a log holds: records, and lines that cannot be read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from curation.ml.calls import Call
from curation.ml.tools import ToolSet


@dataclass(frozen=True, slots=True)
class OfferedTools:
    """The `tools` of a request, as they came and as they were read. Lines with equal tools share one object."""

    tools: list[dict[str, Any]]
    tool_set: ToolSet


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One query with its answer.

    `key` names it whenever the same file is read again. `context` holds the earlier turns as OpenAI's messages,
    empty if there are none. `call` is None for an answer in text, and where `several_calls` is true. What the log
    does not say is None, or an empty string.
    """

    line: int
    key: str
    text: str
    context: list[dict[str, Any]]
    offered: OfferedTools | None
    call: Call | None
    several_calls: bool
    answer_text: str
    arrived_at: datetime | None
    latency_ms: float | None
    prompt_tokens: int | None
    completion_tokens: int | None
    client_id: str
    model: str


@dataclass(frozen=True, slots=True)
class LineError:
    """A line that cannot be read. `reason` is a short category to count by, `sentence` says what is wrong."""

    line: int
    reason: str
    sentence: str


class LineProblem(ValueError):
    """Raised while a line is read; it becomes a `LineError`."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason
