"""The way from the spool to PostgreSQL: in bulk, idempotent by request id, a segment deleted only after the commit.

Requests whose last message is not the user's (a tool's result, say) never become queries: they are passed over.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from django.db import InterfaceError, OperationalError

from curation.errors import OdiaError
from curation.models import Application, ToolSetVersion
from curation.models.traffic import Source
from curation.services.applications import tool_set_ensure
from curation.services.capture import Capture, Decision, TeacherAnswer, capture
from training.services.spool import (
    REJECTED,
    AnswerRecord,
    RequestRecord,
    adopt_orphans,
    claimed,
    ready_segments,
)

logger = logging.getLogger(__name__)


class RejectedLine(msgspec.Struct):
    """A line that could not be shipped, and why."""

    reason: str
    line: str


@dataclass(frozen=True, slots=True)
class _Line:
    text: bytes
    capture: Capture


def ship(spool_dir: Path) -> int:
    """Write everything that lies ready in the spool; returns how many queries were new.

    Raises:
        django.db.OperationalError: PostgreSQL cannot be reached; what was not shipped stays where it is.
    """
    if not spool_dir.is_dir():
        return 0
    adopt_orphans(spool_dir)
    return sum(_ship_segment(path) for path in ready_segments(spool_dir))


def _ship_segment(path: Path) -> int:
    with claimed(path) as mine:
        if not mine:
            return 0
        rejected: list[RejectedLine] = []
        lines = list(_read(path, rejected))
        shipped = _capture(lines, rejected)
        _keep_rejected(path, rejected)
        path.unlink()
        return shipped


def _read(path: Path, rejected: list[RejectedLine]) -> Iterable[_Line]:
    resolve = _Resolver()
    for text in path.read_bytes().splitlines(keepends=True):
        if not text.endswith(b"\n"):  # the process died while it wrote; the request was not answered
            continue
        try:
            record = msgspec.json.decode(text, type=RequestRecord)
            resolve.learn_tools(record)
            if record.text is not None:
                yield _Line(text, resolve(record, record.text))
        except (msgspec.MsgspecError, UnicodeDecodeError, OdiaError) as error:
            rejected.append(_rejection(text, error))


class _Resolver:
    """Finds the rows that a segment's records name, each once."""

    def __init__(self) -> None:
        self._applications: dict[int, Application] = {}
        self._tools: dict[str, list[Any]] = {}
        self._tool_sets: dict[tuple[int, str], int | None] = {}

    def learn_tools(self, record: RequestRecord) -> None:
        """Keep the tools that the first record with this tool set brings along."""
        if record.tools is not None:
            self._tools[record.tool_set] = record.tools

    def __call__(self, record: RequestRecord, text: str) -> Capture:
        application = self._application(record.application_id)
        return Capture(
            id=record.id,
            application_id=application.pk,
            tool_set_id=self._tool_set(application, record.tool_set),
            text=text,
            arrived_at=record.arrived_at,
            source=Source.GATEWAY,
            context=record.context,
            client_id=record.client_id,
            answer=_answer(record.answer) if record.answer else None,
            decision=_decision(record),
        )

    def _application(self, pk: int) -> Application:
        if pk not in self._applications:
            application = Application.objects.filter(pk=pk).first()
            if application is None:
                raise OdiaError(f"Its application (number {pk}) does not exist any more.")
            self._applications[pk] = application
        return self._applications[pk]

    def _tool_set(self, application: Application, sha256: str) -> int | None:
        key = (application.pk, sha256)
        if sha256 and key not in self._tool_sets:
            self._tool_sets[key] = self._find_tool_set(application, sha256)
        return self._tool_sets.get(key)

    def _find_tool_set(self, application: Application, sha256: str) -> int | None:
        """The key of its row, made if it is new; None if no student could ever learn from these tools."""
        found = ToolSetVersion.objects.filter(application=application, sha256=sha256).first()
        if found:
            return found.pk
        try:
            return tool_set_ensure(application=application, tools=self._tools.get(sha256, [])).pk
        except OdiaError as error:
            logger.warning("Requests of %s are kept without their tool set. %s", application.slug, error)
            return None


def _answer(record: AnswerRecord) -> TeacherAnswer:
    return TeacherAnswer(
        call=record.call,
        several_calls=record.several_calls,
        latency_ms=record.latency_ms,
        prompt_tokens=record.prompt_tokens,
        completion_tokens=record.completion_tokens,
        model=record.model,
    )


def _decision(record: RequestRecord) -> Decision:
    return Decision(
        route=record.route,
        reason=record.reason,
        total_ms=record.total_ms,
        status=record.status,
        student=record.student,
        call=record.call,
        confidence=record.confidence,
        threshold=record.threshold,
        steps=record.steps,
    )


def _capture(lines: list[_Line], rejected: list[RejectedLine]) -> int:
    """All lines at once; where the database refuses one of them, in halves, until it stands alone."""
    try:
        return capture([line.capture for line in lines])
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        if len(lines) == 1:
            rejected.append(_rejection(lines[0].text, error))
            return 0
    middle = len(lines) // 2
    return _capture(lines[:middle], rejected) + _capture(lines[middle:], rejected)


def _rejection(line: bytes, error: Exception) -> RejectedLine:
    return RejectedLine(str(error).splitlines()[0], line.decode("utf-8", "replace"))


def _keep_rejected(path: Path, rejected: list[RejectedLine]) -> None:
    if not rejected:
        return
    target = path.with_suffix(REJECTED)
    temporary = target.with_suffix(".new")
    temporary.write_bytes(msgspec.json.Encoder().encode_lines(rejected))
    temporary.replace(target)
    logger.error("%d records could not be shipped; see %s", len(rejected), target)
