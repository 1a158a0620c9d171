"""The traffic of a log file as an estimate looks at it, held in memory: no database."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curation.logs.reader import LogFormat, read_log
from curation.logs.records import LineError, LineProblem, LogRecord, OfferedTools
from curation.ml.calls import Call
from curation.ml.tools import ToolSet, parse_tools
from curation.ml.traffic import Observation

MOST_QUERIES = 50_000
"""The last ones of the file are looked at, as many as a clustering looks at."""
RECENT_QUERIES = 1000
REPORT_EVERY = 2000
TYPES = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}


class LogError(ValueError):
    """The log cannot be judged; the message says why."""


@dataclass(frozen=True, slots=True)
class LoggedTraffic:
    """The newest queries of a log, the oldest first, with the tools that they are offered now.

    `alone` are those that a student could be asked at all: no earlier turn came with them, and the tools were those in
    use now. `inferred`: the log names no tools, so they were made up from its calls.
    `queries`, `duplicates` and `reasons` (of rejected lines) count over the whole file.
    """

    observations: list[Observation]
    alone: list[Observation]
    tools: list[dict[str, Any]]
    inferred: bool
    queries: int
    duplicates: int
    reasons: Counter[str]

    @property
    def tool_set(self) -> ToolSet | None:
        """None where no query got a call and no tools are known."""
        return parse_tools(self.tools) if self.tools else None


def read_traffic(
    path: Path,
    *,
    log_format: LogFormat = "auto",
    tools: list[dict[str, Any]] | None = None,
    on_error: Callable[[LineError], None],
    on_line: Callable[[int], None],
) -> LoggedTraffic:
    """Reads a log; bad lines are counted and told to `on_error`, `on_line` is told how many lines are read.

    Raises:
        LogError: `tools` cannot be read, or no line holds a query.
        OSError: the file cannot be read.
    """
    newest: deque[LogRecord] = deque(maxlen=MOST_QUERIES)
    keys: set[str] = set()
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    try:
        for number, entry in enumerate(read_log(path, log_format=log_format, tools=tools), start=1):
            if number % REPORT_EVERY == 0:
                on_line(number)
            if isinstance(entry, LineError):
                reasons[entry.reason] += 1
                on_error(entry)
            elif entry.key in keys:
                counts["duplicate"] += 1
            else:
                keys.add(entry.key)
                newest.append(entry)
    except LineProblem as problem:
        raise LogError(f"The tools cannot be read: {problem}") from problem
    if not newest:
        raise LogError(_nothing_read(path, reasons))
    return _arranged(_by_time(newest), len(keys), counts["duplicate"], reasons)


def _nothing_read(path: Path, reasons: Counter[str]) -> str:
    if not reasons:
        return f"{path} is empty: give a log with one JSON object a line."
    reason, count = reasons.most_common(1)[0]
    return f"No line of {path} holds a query; {count} of {reasons.total()} were rejected because of: {reason}."


def _by_time(records: Iterable[LogRecord]) -> list[LogRecord]:
    """The oldest first; as they stand in the file where a time is missing."""
    timed = [(record.arrived_at, record) for record in records]
    if all(at for at, _ in timed):
        timed.sort(key=lambda pair: pair[0].timestamp() if pair[0] else 0.0)
    return [record for _, record in timed]


def _arranged(records: list[LogRecord], queries: int, duplicates: int, reasons: Counter[str]) -> LoggedTraffic:
    offered = _offered_now(records)
    sha256 = offered.tool_set.sha256 if offered else None
    observations = [_observation(record) for record in records]
    pairs = zip(observations, records, strict=True)
    return LoggedTraffic(
        observations=observations,
        alone=[one for one, record in pairs if not record.context and _sha256(record) == sha256],
        tools=offered.tools if offered else infer_tools(record.call for record in records),
        inferred=offered is None,
        queries=queries,
        duplicates=duplicates,
        reasons=reasons,
    )


def _offered_now(records: list[LogRecord]) -> OfferedTools | None:
    """The commonest tools of the newest queries, as an application's current tool set is found."""
    recent = [record.offered for record in records[-RECENT_QUERIES:] if record.offered]
    counts = Counter(offered.tool_set.sha256 for offered in recent)
    return next((found for found in recent if found.tool_set.sha256 == counts.most_common(1)[0][0]), None)


def _sha256(record: LogRecord) -> str | None:
    return record.offered.tool_set.sha256 if record.offered else None


def _observation(record: LogRecord) -> Observation:
    return Observation(
        query_id=record.key,
        text=record.text,
        call=record.call,
        several_calls=record.several_calls,
        has_context=bool(record.context),
        latency_ms=record.latency_ms,
        at=record.arrived_at.timestamp() if record.arrived_at else 0.0,
    )


def infer_tools(calls: Iterable[Call | None]) -> list[dict[str, Any]]:
    """A `tools` list that these calls fit: their functions, and each parameter with the types of its values."""
    types: dict[str, dict[str, set[str]]] = {}
    for call in calls:
        if call:
            found = types.setdefault(call.name, defaultdict(set))
            for name, value in call.arguments.items():
                found[name].add(TYPES.get(type(value), "null"))
    return [_tool(name, parameters) for name, parameters in sorted(types.items())]


def _tool(name: str, parameters: dict[str, set[str]]) -> dict[str, Any]:
    properties = {parameter: {"type": sorted(found)} for parameter, found in sorted(parameters.items())}
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": properties}}}
