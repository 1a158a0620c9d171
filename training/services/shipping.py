"""The way from the spool to PostgreSQL: in bulk, idempotent by request id, a segment deleted only after the commit.

Requests whose last message is not the user's (a tool's result, say) never become queries: they are passed over.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
from django.db import DataError, Error, IntegrityError, connection, transaction

from curation.errors import OdiaError
from curation.identifiers import time_of
from curation.models import Application, ToolSetVersion
from curation.models.traffic import INLINE_ROUTES, Source
from curation.services.applications import tool_set_ensure
from curation.services.capture import capture, capture_shadows
from curation.services.captured import Capture, Decision, Shadow, TeacherAnswer
from curation.services.partitions import ensure_partitions
from training.selectors.watched import watched_functions
from training.services.masking import masked, masked_shadow
from training.services.records import AnswerRecord, RequestRecord, ShadowRecord, read_record
from training.services.rejections import RejectedLine, read_rejected, rejection, write_rejected
from training.services.segments import REJECTED, adopt_orphans, claimed, ready_segments, rejected_files

logger = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Line:
    text: bytes
    content: Capture | Shadow


def ship(spool_dir: Path) -> int:
    """Write everything that lies ready in the spool; returns how many queries were new.

    Raises:
        django.db.OperationalError: PostgreSQL cannot be reached; what was not shipped stays where it is.
    """
    if not spool_dir.is_dir():
        return 0
    adopt_orphans(spool_dir)
    return sum(_undisturbed(_ship_segment, path, 0) for path in ready_segments(spool_dir))


class Replay(NamedTuple):
    """How many queries were new, and how many lines were rejected again."""

    shipped: int
    rejected: int


def ship_rejected(spool_dir: Path) -> Replay:
    """Try the rejected lines again: what passes leaves its file, what does not stays with its reason of now.

    Raises:
        django.db.OperationalError: PostgreSQL cannot be reached; the files stay as they are.
    """
    files = rejected_files(spool_dir) if spool_dir.is_dir() else []
    replays = [_undisturbed(_ship_rejected, path, Replay(0, 0)) for path in files]
    return Replay(sum(one.shipped for one in replays), sum(one.rejected for one in replays))


def _undisturbed(work: Callable[[Path], T], path: Path, otherwise: T) -> T:
    """A file that the disk does not give or take now must not hold up the others, whose end may make room."""
    try:
        return work(path)
    except OSError as error:
        logger.error("%s cannot be shipped now: %s", path, error)
        return otherwise


def _ship_segment(path: Path) -> int:
    with claimed(path) as mine:
        if not mine:
            return 0
        rejected: list[RejectedLine] = []
        shipped = _ship_lines(path.read_bytes().splitlines(keepends=True), rejected)
        if rejected:
            write_rejected(path.with_suffix(REJECTED), rejected)
        path.unlink()
        return shipped


def _ship_rejected(path: Path) -> Replay:
    with claimed(path) as mine:
        if not mine:
            return Replay(0, 0)
        rejected: list[RejectedLine] = []
        shipped = _ship_lines(read_rejected(path), rejected)
        write_rejected(path, rejected)
        return Replay(shipped, len(rejected))


def _ship_lines(texts: Sequence[bytes], rejected: list[RejectedLine]) -> int:
    return _capture(list(_read(texts, rejected)), rejected)


def _read(texts: Sequence[bytes], rejected: list[RejectedLine]) -> Iterable[_Line]:
    resolve = _Resolver()
    for text in texts:
        if not text.endswith(b"\n"):  # the process died while it wrote; the request was not answered
            continue
        try:
            record = read_record(text)
            if isinstance(record, ShadowRecord):
                yield _Line(text, resolve.shadow(record))
                continue
            resolve.learn_tools(record)
            if record.text is not None:
                yield _Line(text, resolve.capture(record))
        except (msgspec.MsgspecError, UnicodeDecodeError, OdiaError) as error:
            rejected.append(rejection(text, error))


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

    def shadow(self, record: ShadowRecord) -> Shadow:
        if self._application(record.application_id).mask_personal and not record.masked:
            record = masked_shadow(record)
        return Shadow(
            query_id=record.shadow_of,
            application_id=self._application(record.application_id).pk,
            student=record.student,
            call=record.call,
            confidence=record.confidence,
            threshold=record.threshold,
            answered_at=record.answered_at,
            client_id=record.client_id,
        )

    def capture(self, record: RequestRecord) -> Capture:
        application = self._application(record.application_id)
        if application.mask_personal and not record.masked:
            record = masked(record)
        return Capture(
            id=record.id,
            application_id=application.pk,
            tool_set_id=self._tool_set(application, record.tool_set),
            text=record.text or "",
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
        audit=record.audit,
        request=record.request,
    )


def _capture(lines: list[_Line], rejected: list[RejectedLine]) -> int:
    """All lines at once; where one of them is refused, in halves, until it stands alone."""
    try:
        with connection.wrap_database_errors:  # COPY's own are not wrapped by Django
            return _write(lines)
    except Exception as error:
        if _is_the_databases(error):
            raise
        if len(lines) == 1:
            rejected.append(rejection(lines[0].text, error))
            return 0
    middle = len(lines) // 2
    return _capture(lines[:middle], rejected) + _capture(lines[middle:], rejected)


def _is_the_databases(error: Exception) -> bool:
    """Whether the state of the database is to blame (it is away, not migrated, ...) and not the line."""
    return isinstance(error, Error) and not isinstance(error, DataError | IntegrityError)


@transaction.atomic
def _write(lines: list[_Line]) -> int:
    """Partitions come first: who has read or written a table cannot make way for another who adds one to it."""
    shadows = [line.content for line in lines if isinstance(line.content, Shadow)]
    captures = [line.content for line in lines if isinstance(line.content, Capture)]
    ensure_partitions(time_of(key) for key in [*(row.query_id for row in shadows), *(row.id for row in captures)])
    capture_shadows(shadows)
    watched = {pk: watched_functions(pk) for pk in {row.application_id for row in captures}}
    return capture([_looked_at(row, watched[row.application_id]) for row in captures])


def _looked_at(row: Capture, watched: set[tuple[str, str]]) -> Capture:
    """The teacher shall be asked about every inline answer of a function that is watched."""
    decision = row.decision
    if decision is None or decision.call is None or decision.route not in INLINE_ROUTES:
        return row
    if (decision.student, decision.call.name) not in watched:
        return row
    return replace(row, decision=replace(decision, audit=True))
