"""Records that the spool's disk did not take, in memory until it does."""

from __future__ import annotations

from collections import deque
from typing import Any

import msgspec

from training.services.records import RequestRecord, ShadowRecord, read_record

_encoder = msgspec.json.Encoder()


class Backlog:
    """Records in the order in which they came; the tools of each tool set are held once."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.bytes = 0
        self._lines: deque[bytes] = deque()
        self._tools: dict[str, list[Any]] = {}

    def __len__(self) -> int:
        return len(self._lines)

    def add(self, record: RequestRecord | ShadowRecord) -> bool:
        """Keep a record; False if there is no room for it."""
        tools: dict[str, list[Any]] = {}
        if isinstance(record, RequestRecord):
            if record.tools and record.tool_set not in self._tools:
                tools = {record.tool_set: record.tools}
            record = msgspec.structs.replace(record, tools=None)
        line = _encoder.encode(record)
        size = len(line) + (len(_encoder.encode(tools)) if tools else 0)
        if self.bytes + size > self.limit_bytes:
            return False
        self._tools |= tools
        self._lines.append(line)
        self.bytes += size
        return True

    def oldest(self) -> RequestRecord | ShadowRecord:
        """The record that has waited longest, with its tools; it stays."""
        record = read_record(self._lines[0])
        if isinstance(record, RequestRecord):
            record.tools = self._tools.get(record.tool_set)
        return record

    def remove_oldest(self) -> None:
        self.bytes -= len(self._lines.popleft())
        if not self._lines:
            self._tools.clear()
            self.bytes = 0
