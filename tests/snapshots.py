"""A gateway's database without PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime

from training.selectors.snapshot import Snapshot


class SnapshotSource:
    """Serves whatever `read` returns or raises; nobody else uses the keys."""

    def __init__(self, read: Callable[[], Snapshot]) -> None:
        self._read = read

    def read_snapshot(self) -> Snapshot:
        return self._read()

    def wait_for_change(self, seconds: float) -> None:
        time.sleep(seconds)

    def record_use(self, requests: Mapping[int, int], used_at: datetime) -> dict[int, int]:
        return dict(requests)

    def hang_up(self) -> None:
        """There is no connection."""
