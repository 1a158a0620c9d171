"""The spool: one JSON line per record in local segment files, until they are shipped to PostgreSQL.

Each segment stands by itself: the first line with a tool set holds the tools, later lines only their hash. Lines that
the disk does not take, or that the spool's size limit forbids, wait in memory until they can be written.
"""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

import msgspec

from training.services.backlog import Backlog
from training.services.records import RequestRecord, ShadowRecord
from training.services.segments import OPEN, Segment, stored_bytes

SEGMENT_BYTES = 8 * 1024 * 1024
BACKLOG_BYTES = 64 * 1024 * 1024
NEARLY_FULL = 0.8
SAY_AGAIN_SECONDS = 10.0

logger = logging.getLogger(__name__)
_encoder = msgspec.json.Encoder()


class SpoolFull(OSError):
    """The spool has reached its size limit."""


class Spool:
    """The writing side, for one process. Not thread-safe: it belongs to the event loop."""

    def __init__(
        self,
        folder: Path,
        *,
        limit_bytes: int,
        segment_bytes: int = SEGMENT_BYTES,
        backlog_bytes: int = BACKLOG_BYTES,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.limit_bytes = limit_bytes
        self.stored_bytes = stored_bytes(folder)
        self.backlog = Backlog(backlog_bytes)
        self.dropped = 0
        self._segment_bytes = segment_bytes
        self._name = f"{time.time_ns():020}-{os.getpid()}"
        self._counter = 0
        self._segment: Segment | None = None
        self._said_at: dict[str, float] = {}

    def append(self, record: RequestRecord | ShadowRecord) -> bool:
        """Write one line, or keep it in memory while the disk does not take it.

        Returns:
            False, and said loudly in the log, if there is room in neither.
        """
        if not self.backlog:
            try:
                self._write(record)
                return True
            except OSError as error:
                self._say(logging.ERROR, "The spool cannot be written (%s); records wait in memory.", error)
        if self.backlog.add(record):
            return True
        self.dropped += 1
        self._say(logging.ERROR, "THE SPOOL IS LOSING RECORDS, disk and memory are full. Dropped: %d.", self.dropped)
        return False

    def rotate(self) -> None:
        """Write what waits in memory, hand the lines so far to the shipper, and look how much room is left."""
        try:
            self.stored_bytes = stored_bytes(self.folder)
        except OSError as error:
            self._say(logging.ERROR, "The folder of the spool cannot be read: %s", error)
        if self.backlog:
            self._write_backlog()
        self._hand_over()
        if self.stored_bytes > NEARLY_FULL * self.limit_bytes:
            sentence = "The spool holds %d of %d bytes; is `ship_spool` running?"
            self._say(logging.WARNING, sentence, self.stored_bytes, self.limit_bytes)

    def _write(self, record: RequestRecord | ShadowRecord) -> None:
        segment = self._segment or self._start()
        tool_set = record.tool_set if isinstance(record, RequestRecord) else ""
        if tool_set in segment.tool_sets and isinstance(record, RequestRecord):
            record = msgspec.structs.replace(record, tools=None)
        line = _encoder.encode(record) + b"\n"
        if self.stored_bytes + len(line) > self.limit_bytes:
            raise SpoolFull(f"it holds {self.stored_bytes} of {self.limit_bytes} bytes; is `ship_spool` running?")
        segment.write(line)
        segment.tool_sets.add(tool_set)
        self.stored_bytes += len(line)
        if segment.size >= self._segment_bytes:
            self._hand_over()

    def _start(self) -> Segment:
        self._counter += 1
        self._segment = Segment(self.folder / f"{self._name}-{self._counter:08}{OPEN}")
        return self._segment

    def _hand_over(self) -> None:
        if self._segment is None or not self._segment.size:
            return
        try:
            self._segment.close()
            self._segment = None
        except OSError as error:
            self._say(logging.ERROR, "A segment of the spool cannot be handed over yet: %s", error)

    def _write_backlog(self) -> None:
        waited = len(self.backlog)
        try:
            while self.backlog:
                self._write(self.backlog.oldest())
                self.backlog.remove_oldest()
        except OSError as error:
            sentence = "%d records (%d bytes) wait in memory and end with this process; the spool cannot be written: %s"
            self._say(logging.ERROR, sentence, len(self.backlog), self.backlog.bytes, error)
        else:
            logger.warning("The spool can be written again: the %d records that waited are on the disk.", waited)

    def _say(self, level: int, sentence: str, *values: object) -> None:
        """Each sentence from time to time, not with every request."""
        now = time.monotonic()
        if now - self._said_at.get(sentence, -SAY_AGAIN_SECONDS) >= SAY_AGAIN_SECONDS:
            self._said_at[sentence] = now
            logger.log(level, sentence, *values)
