"""Import of log files as traffic."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from curation.identifiers import derived_id
from curation.logs.reader import LogFormat, read_log
from curation.logs.records import LineError, LogRecord, OfferedTools
from curation.models import Application
from curation.models.traffic import Source
from curation.services.applications import tool_set_ensure
from curation.services.capture import capture
from curation.services.captured import Capture, TeacherAnswer
from curation.services.masking import masked_import

BATCH = 2000


@dataclass(slots=True)
class ImportReport:
    """How an import went. `reasons` counts the rejected lines by what was wrong with them."""

    read: int = 0
    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "reasons": dict(self.reasons)}


def import_traffic(
    *,
    application: Application,
    path: Path,
    log_format: LogFormat = "auto",
    tools: list[dict[str, Any]] | None = None,
    on_error: Callable[[LineError], None],
    on_batch: Callable[[ImportReport], None],
) -> ImportReport:
    """Write the records of a log file as queries; bad lines are counted and told to `on_error`.

    A record without a timestamp counts as arrived when the application was created, so that importing the file
    again finds the same queries.
    """
    started = time.perf_counter()
    report = ImportReport()
    tool_set_ids = _ToolSetIds(application)
    entries = read_log(path, log_format=log_format, tools=tools)
    for batch in _batches(entries):
        records = [entry for entry in batch if isinstance(entry, LogRecord)]
        for error in (entry for entry in batch if isinstance(entry, LineError)):
            report.reasons[error.reason] += 1
            on_error(error)
        new = capture([_capture(application, record, tool_set_ids(record.offered)) for record in records])
        report.read += len(batch)
        report.accepted += new
        report.duplicate += len(records) - new
        report.rejected += len(batch) - len(records)
        report.seconds = round(time.perf_counter() - started, 2)
        on_batch(report)
    return report


def _batches(entries: Iterable[LogRecord | LineError]) -> Iterator[list[LogRecord | LineError]]:
    iterator = iter(entries)
    while batch := list(islice(iterator, BATCH)):
        yield batch


class _ToolSetIds:
    """Row ids of tool sets; each is looked up once."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._known: dict[str, int] = {}

    def __call__(self, offered: OfferedTools | None) -> int | None:
        if offered is None:
            return None
        sha256 = offered.tool_set.sha256
        if sha256 not in self._known:
            self._known[sha256] = tool_set_ensure(application=self._application, tools=offered.tools).pk
        return self._known[sha256]


def _capture(application: Application, record: LogRecord, tool_set_id: int | None) -> Capture:
    arrived_at = record.arrived_at or application.created_at
    captured = Capture(
        id=derived_id(arrived_at, str(application.pk), record.key),
        application_id=application.pk,
        tool_set_id=tool_set_id,
        text=record.text,
        context=record.context,
        arrived_at=arrived_at,
        source=Source.IMPORT,
        client_id=record.client_id,
        answer=TeacherAnswer(
            call=record.call,
            several_calls=record.several_calls,
            latency_ms=record.latency_ms,
            prompt_tokens=record.prompt_tokens or 0,
            completion_tokens=record.completion_tokens or 0,
            model=record.model,
        ),
    )
    return masked_import(captured) if application.mask_personal else captured
