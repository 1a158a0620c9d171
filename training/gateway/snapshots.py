"""The gateway's knowledge: refreshed from PostgreSQL again and again, kept on disk for when PostgreSQL is away."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from training.gateway.database import Database
from training.gateway.limits import RateLimits
from training.selectors.snapshot import Snapshot

COALESCE_SECONDS = 0.02
"""Changes come in bursts; one reading serves them all."""

logger = logging.getLogger(__name__)
_encoder = msgspec.json.Encoder()


class SnapshotKeeper:
    """Holds the latest snapshot; whatever the database raises, the last one stays in force.

    Its thread is the only one that talks to the database: it exchanges the use of keys on the way.
    """

    def __init__(
        self,
        database: Database,
        limits: RateLimits,
        path: Path,
        follow: Callable[[Snapshot], None],
        *,
        every_seconds: float,
    ) -> None:
        self._database = database
        self._limits = limits
        self._path = path
        self._follow = follow
        self._every_seconds = every_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="snapshot", daemon=True)
        self._read_at: float | None = None
        self._kept = b""
        self.problem = ""
        """Why the last refresh failed; empty if it did not."""
        self.current = self._from_disk()

    @property
    def age_seconds(self) -> float | None:
        """Since the last successful refresh; None if there was none since the start."""
        return None if self._read_at is None else time.monotonic() - self._read_at

    def start(self) -> None:
        if self.current:
            self._follow(self.current)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _from_disk(self) -> Snapshot | None:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Snapshot)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            logger.error("The snapshot in %s cannot be read and is left aside: %s", self._path, error)
            return None

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._refresh()
                self._database.wait_for_change(self._every_seconds)
                self._stop.wait(COALESCE_SECONDS)
            except Exception as error:  # the database may be away in any way; requests go on
                self._say(str(error).partition("\n")[0] or type(error).__name__)
                self._database.hang_up()
                self._stop.wait(self._every_seconds)
        self._database.hang_up()

    def _refresh(self) -> None:
        snapshot = self._database.read_snapshot()
        self._limits.exchange(self._database.record_use)
        self._say("")
        self._read_at = time.monotonic()
        self.current = snapshot
        self._follow(snapshot)
        self._keep(snapshot)

    def _say(self, problem: str) -> None:
        if problem and not self.problem:
            logger.warning("PostgreSQL cannot be read; the last snapshot stays in force: %s", problem)
        if self.problem and not problem:
            logger.info("PostgreSQL can be read again.")
        self.problem = problem

    def _keep(self, snapshot: Snapshot) -> None:
        content = _encoder.encode(snapshot)
        if content == self._kept:
            return
        try:
            self._write(content)
        except OSError as error:
            logger.error("The snapshot could not be kept on disk: %s", error)
        self._kept = content

    def _write(self, content: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_suffix(f".{os.getpid()}")  # of the processes that share the folder, each its own
        temporary.touch(mode=0o600)
        temporary.write_bytes(content)
        temporary.replace(self._path)
