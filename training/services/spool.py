"""The spool: one JSON line per answered request in local segment files, until they are shipped to PostgreSQL.

A segment is written by one process, which holds a lock on it (`….open`). When it is closed it is renamed to
`….ready`. An open segment without a lock belongs to a process that died; whoever ships adopts it. Each segment
stands by itself: the first line with a tool set holds the tools, later lines only their hash.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from curation.ml.calls import Call

OPEN, READY, REJECTED = ".open", ".ready", ".rejected"
SEGMENT_BYTES = 8 * 1024 * 1024
NEARLY_FULL = 0.8
WARN_EVERY_SECONDS = 10.0

logger = logging.getLogger(__name__)
_encoder = msgspec.json.Encoder()


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


class Spool:
    """The writing side, for one process. Not thread-safe: it belongs to the event loop."""

    def __init__(self, folder: Path, *, limit_bytes: int, segment_bytes: int = SEGMENT_BYTES) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.limit_bytes = limit_bytes
        self.stored_bytes = stored_bytes(folder)
        self.dropped = 0
        self._segment_bytes = segment_bytes
        self._name = f"{time.time_ns():020}-{os.getpid()}"
        self._counter = 0
        self._segment: _Segment | None = None
        self._warned_at = -WARN_EVERY_SECONDS

    def append(self, record: RequestRecord) -> bool:
        """Write one line; False, and said loudly in the log, if the spool or its disk is full."""
        segment = self._segment
        if record.tool_set and segment and record.tool_set in segment.tool_sets:
            record.tools = None
        line = _encoder.encode(record) + b"\n"
        if self.stored_bytes + len(line) > self.limit_bytes:
            return self._drop("it has reached its limit")
        try:
            segment = segment or self._start()
            segment.write(line)
        except OSError as error:
            return self._drop(str(error))
        segment.tool_sets.add(record.tool_set)
        self.stored_bytes += len(line)
        if segment.size >= self._segment_bytes:
            self.rotate()
        return True

    def rotate(self) -> None:
        """Hand the lines so far to the shipper, and look how much room is left."""
        if self._segment:
            self._segment.close()
            self._segment = None
        self.stored_bytes = stored_bytes(self.folder)
        if self.stored_bytes > NEARLY_FULL * self.limit_bytes:
            self._warn(logging.WARNING, "The spool holds %d of %d bytes; is `ship_spool` running?")

    def _start(self) -> _Segment:
        self._counter += 1
        self._segment = _Segment(self.folder / f"{self._name}-{self._counter:08}{OPEN}")
        return self._segment

    def _drop(self, why: str) -> bool:
        self.dropped += 1
        self._warn(logging.ERROR, f"THE SPOOL IS LOSING RECORDS ({why}): %d of %d bytes; is `ship_spool` running?")
        return False

    def _warn(self, level: int, message: str) -> None:
        now = time.monotonic()
        if now - self._warned_at >= WARN_EVERY_SECONDS:
            self._warned_at = now
            logger.log(level, message + " Dropped so far: %d.", self.stored_bytes, self.limit_bytes, self.dropped)


class _Segment:
    """One open segment file, locked for as long as this process lives."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size = 0
        self.tool_sets: set[str] = set()
        # Locked before it bears its name: nobody ever sees an open segment of a living process unlocked.
        unnamed = path.with_suffix(".new")
        self._file = os.open(unnamed, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        unnamed.rename(path)

    def write(self, line: bytes) -> None:
        written = os.write(self._file, line)
        if written < len(line):
            os.ftruncate(self._file, self.size)
            raise OSError("no space left on the disk")
        self.size += written

    def close(self) -> None:
        self._path.rename(self._path.with_suffix(READY))
        os.close(self._file)


def stored_bytes(folder: Path) -> int:
    """How much lies in the spool, rejected lines included."""
    total = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                total += entry.stat().st_size
    return total


def adopt_orphans(folder: Path) -> None:
    """Make the open segments of processes that died ready to be shipped."""
    for path in folder.glob(f"*{OPEN}"):
        with claimed(path) as mine:
            if mine:
                path.rename(path.with_suffix(READY))


def ready_segments(folder: Path) -> list[Path]:
    """The closed segments, the oldest first."""
    return sorted(folder.glob(f"*{READY}"))


@contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Whether nobody else works on this file; if so nobody else will inside the block."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        yield False
        return
    try:
        yield _locked(file) and path.exists()
    finally:
        os.close(file)


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
