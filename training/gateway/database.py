"""What a gateway asks of PostgreSQL, all of it in one thread beside the requests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from django.db import connection

from training.selectors.changes import wait_for_change
from training.selectors.snapshot import Snapshot, read_snapshot
from training.services.keys import keys_record_use


class Database(Protocol):
    """Every call may raise: then the database is away, and the next call tries again."""

    def read_snapshot(self) -> Snapshot: ...

    def wait_for_change(self, seconds: float) -> None:
        """Return as soon as the snapshot may be another one, after `seconds` at the latest."""
        ...

    def record_use(self, requests: Mapping[int, int], used_at: datetime) -> dict[int, int]:
        """Add requests by key; returns those of all gateways in the same minute."""
        ...

    def hang_up(self) -> None:
        """Let go of a connection that may be broken."""
        ...


class Postgres:
    """The project's database, over the connection of the thread that calls."""

    def read_snapshot(self) -> Snapshot:
        return read_snapshot()

    def wait_for_change(self, seconds: float) -> None:
        wait_for_change(seconds)

    def record_use(self, requests: Mapping[int, int], used_at: datetime) -> dict[int, int]:
        return keys_record_use(requests=requests, used_at=used_at)

    def hang_up(self) -> None:
        connection.close()
