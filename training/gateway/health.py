"""`/healthz`: the process runs. `/readyz`: it can answer, and what is wrong with its parts if anything is."""

from __future__ import annotations

from collections import Counter
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from training.gateway.champions import Champions
from training.gateway.snapshots import SnapshotKeeper
from training.services.spool import Spool


class Health:
    """Shows no keys and no texts: it is open to everybody who reaches the port."""

    def __init__(
        self,
        keeper: SnapshotKeeper,
        champions: Champions,
        spool: Spool,
        answered: Counter[tuple[str, str]],
    ) -> None:
        self._keeper = keeper
        self._champions = champions
        self._spool = spool
        self._answered = answered

    async def alive(self, request: Request) -> JSONResponse:
        return JSONResponse({"status": "alive"})

    async def ready(self, request: Request) -> JSONResponse:
        """200 as soon as keys and policies are known, be it from the disk; 503 before."""
        ready = self._keeper.current is not None
        body = {
            "ready": ready,
            "database": "away" if self._keeper.problem else "reachable",
            "snapshot_age_seconds": self._keeper.age_seconds,
            "students": self._students(),
            "spool": self._spool_state(),
            "answered": self._counts(),
        }
        return JSONResponse(body, 200 if ready else 503)

    def _students(self) -> dict[str, str]:
        snapshot = self._keeper.current
        applications = snapshot.applications if snapshot else {}
        states = self._champions.states()
        return {entry.slug: states[pk] for pk, entry in applications.items() if pk in states}

    def _spool_state(self) -> dict[str, Any]:
        spool = self._spool
        return {"bytes": spool.stored_bytes, "limit_bytes": spool.limit_bytes, "dropped": spool.dropped}

    def _counts(self) -> list[dict[str, Any]]:
        return [
            {"route": str(route), "reason": reason, "requests": count}
            for (route, reason), count in sorted(self._answered.items())
        ]
