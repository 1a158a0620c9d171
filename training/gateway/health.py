"""`/healthz`: the process runs. `/readyz`: it can answer, and what is wrong with its parts if anything is."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from training.gateway.snapshots import SnapshotKeeper
from training.gateway.students import Students
from training.gateway.teacher import TeacherClient
from training.models.promotions import AliasName
from training.services.spool import Spool


class Health:
    """Shows no keys and no texts: it is open to everybody who reaches the port."""

    def __init__(self, keeper: SnapshotKeeper, students: Students, spool: Spool, teacher: TeacherClient) -> None:
        self._keeper = keeper
        self._students = students
        self._spool = spool
        self._teacher = teacher

    async def alive(self, request: Request) -> JSONResponse:
        return JSONResponse({"status": "alive"})

    async def ready(self, request: Request) -> JSONResponse:
        """200 as soon as keys and policies are known, be it from the disk; 503 before."""
        ready = self._keeper.current is not None
        body = {
            "ready": ready,
            "database": "away" if self._keeper.problem else "reachable",
            "snapshot_age_seconds": self._keeper.age_seconds,
            "students": self._states(AliasName.CHAMPION),
            "challengers": self._states(AliasName.CHALLENGER),
            "teachers": self._teacher.breakers(),
            "spool": self._spool_state(),
        }
        return JSONResponse(body, 200 if ready else 503)

    def _states(self, alias: AliasName) -> dict[str, str]:
        snapshot = self._keeper.current
        applications = snapshot.applications if snapshot else {}
        states = self._students.states()
        return {entry.slug: states[pk, alias] for pk, entry in applications.items() if (pk, alias) in states}

    def _spool_state(self) -> dict[str, Any]:
        spool = self._spool
        return {
            "bytes": spool.stored_bytes,
            "limit_bytes": spool.limit_bytes,
            "backlog_bytes": spool.backlog.bytes,
            "dropped": spool.dropped,
        }
