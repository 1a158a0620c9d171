"""Reading a log file: each line becomes a record, or an error with its number and reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from curation.logs.formats import ToolsCache, detect_format, offer_tools, read_openai, read_pair
from curation.logs.lines import LONGEST_LINE, read_lines
from curation.logs.records import LineError, LineProblem, LogRecord, OfferedTools

LogFormat = Literal["auto", "openai", "pairs"]


class LogReader:
    """Reads lines one after the other. With `auto`, the first line that is of a known format decides.

    Args:
        log_format: the format of all lines.
        offered: for `pairs`, the tools that all queries were asked with.
    """

    def __init__(self, log_format: LogFormat = "auto", offered: OfferedTools | None = None) -> None:
        self._format = log_format
        self._offered = offered
        self._known_tools = ToolsCache()

    def read(self, number: int, line: bytes | None) -> LogRecord | LineError:
        """Read one line, without its end; None stands for one that was too long to keep."""
        try:
            return self._read(number, line)
        except LineProblem as problem:
            return LineError(number, problem.reason, str(problem))

    def _read(self, number: int, line: bytes | None) -> LogRecord:
        if line is None:
            raise LineProblem("line too long", f"The line is longer than {LONGEST_LINE} bytes.")
        if self._format == "auto":
            self._format = self._detect(line)
        if self._format == "openai":
            return read_openai(number, line, self._known_tools)
        return read_pair(number, line, self._offered)

    @staticmethod
    def _detect(line: bytes) -> LogFormat:
        found = detect_format(line)
        if found is None:
            raise LineProblem(
                "unknown format", "The line has neither a `request` (format openai) nor a `query` (format pairs)."
            )
        return found


def read_log(
    path: Path, *, log_format: LogFormat = "auto", tools: list[dict[str, Any]] | None = None
) -> Iterator[LogRecord | LineError]:
    """Read a log file from its beginning; blank lines are passed over.

    Args:
        path: a file of JSON lines.
        log_format: `openai`, `pairs`, or `auto` to go by the first line that is one of them.
        tools: for `pairs`, the tools that all queries were asked with. Without it, calls are not checked
            against any tools.

    Raises:
        OSError: the file cannot be read.
        LineProblem: `tools` is not a list of functions with valid schemas.
    """
    reader = LogReader(log_format, offer_tools(tools) if tools is not None else None)
    for number, line in read_lines(path):
        yield reader.read(number, line)
