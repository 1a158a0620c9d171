"""The things that go wrong in `faults`, and the machine that they happen to."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import psycopg

from odia_site.embedded import EmbeddedPostgres
from odia_site.service_file import read_services
from tests.bench.stand import SLUG, Measured
from tests.bench.stand import tools_and_queries as snips
from tests.bench.teacher import MODES, WELL, Teacher
from tests.bench.traffic import Outcome
from tests.running import ROOT

if TYPE_CHECKING:
    from tests.bench.faults import Figures

DISK_MEGABYTES = 16


class Machine:
    """A whole ODIA with its database, seen from outside."""

    def __init__(self, data_dir: Path, teacher: Teacher, artifact: Path | None) -> None:
        self.data_dir = data_dir
        self.teacher = teacher
        self.artifact = artifact
        self.disks: list[Path] = []
        self.why_no_disks = ""
        self.postgres = EmbeddedPostgres(data_dir)
        self.pid = 0

    @contextmanager
    def small_disks(self) -> Iterator[None]:
        """Small file systems where the gateway writes, as far as this process may mount them."""
        with ExitStack() as stack:
            for name in ("spool", "gateway"):
                folder = self.data_dir / name
                folder.mkdir(parents=True)
                command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m", "tmpfs", str(folder)]
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                if done.returncode:
                    self.why_no_disks = f"no file system can be mounted here ({done.stderr.strip()})"
                    break
                stack.callback(subprocess.run, ["umount", "--lazy", str(folder)], check=False)
                self.disks.append(folder)
            yield

    def know(self, odia: Measured) -> None:
        self.pid = odia.odia.process.pid
        self.postgres.start()  # it runs; from now on it can be stopped from here

    def end(self) -> None:
        """`up` no longer knows a PostgreSQL that was started from here."""
        self.postgres.stop()

    def processes(self, *words: str) -> list[psutil.Process]:
        """Those of ODIA whose command line has all these words."""
        found = []
        for process in psutil.Process(self.pid).children():
            with suppress(psutil.Error):
                if set(words) <= set(process.cmdline()):
                    found.append(process)
        return found

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        services = read_services(self.data_dir)
        assert services is not None
        with psycopg.connect(services.database_url) as connection:
            return connection.execute(sql, parameters).fetchall()

    def waiting(self) -> list[str]:
        return [path.name for path in (self.data_dir / "spool").iterdir() if path.stat().st_size]

    def compare(self, outcomes: list[Outcome], figures: Figures) -> None:
        """Hold what was answered against what is recorded."""
        answered = {outcome.request_id: outcome for outcome in outcomes if outcome.request_id}
        rows = self.query(
            "SELECT d.query_id::text, d.status FROM curation_routerdecision d "
            "JOIN curation_query q ON q.id = d.query_id WHERE d.query_id = ANY(%s::uuid[])",
            list(answered),
        )
        recorded = Counter(request_id for request_id, _ in rows)
        figures.lost = len(answered.keys() - recorded.keys())
        clients = [outcome.client_id for outcome in outcomes]
        names = self.query("SELECT client_id FROM curation_query WHERE client_id = ANY(%s)", clients)
        figures.twice = sum(count - 1 for count in Counter(names).values())
        figures.otherwise = sum(
            answered[request_id].status != status for request_id, status in rows if not answered[request_id].problem
        )

    def counted_twice(self) -> int:
        [(requests,)] = self.query(
            "SELECT coalesce(sum(requests), 0) FROM curation_traffichour WHERE source = 'gateway'"
        )
        [(rows,)] = self.query("SELECT count(*) FROM curation_query WHERE source = 'gateway'")
        return int(requests) - int(rows)

    def tools_and_queries(self) -> tuple[list[dict[str, Any]], list[str]]:
        """The student's tools; the queries of the snips folder."""
        assert self.artifact
        return json.loads((self.artifact / "meta.json").read_text())["tools"], snips()[1]

    def promote_first(self) -> None:
        if self.artifact:
            self._with_django("first")

    def promote_second(self) -> None:
        self._with_django("second")

    def roll_back(self) -> None:
        self._with_django("back")

    def _with_django(self, what: str) -> None:
        """In a process of its own: this one has no settings of this data directory."""
        environment = os.environ | {"ODIA_DATA_DIR": str(self.data_dir)}
        code = f"from tests.bench.promoting import act; act({what!r}, {SLUG!r}, {str(self.artifact)!r})"
        command = [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", code]
        subprocess.run(command, cwd=ROOT, env=environment, check=True)


class Misfortune(ABC):
    """Something that begins, lasts and ends while requests come in."""

    name: str

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.kills: list[tuple[float, float]] = []
        """When a gateway was killed, and when one answered again."""

    def impossible(self) -> str:
        """Why it cannot happen here; empty if it can."""
        return ""

    def killed_between(self, start: float, end: float) -> bool:
        return any(start <= back and killed <= end for killed, back in self.kills)

    @abstractmethod
    async def begin(self) -> None: ...

    async def end(self) -> None:
        """Most end by themselves."""
        return


class PostgresStops(Misfortune):
    name = "PostgreSQL stopped and started"

    async def begin(self) -> None:
        await asyncio.to_thread(self.machine.postgres.stop)

    async def end(self) -> None:
        await asyncio.to_thread(self.machine.postgres.start)


class ProcessDies(Misfortune):
    """Killed again as soon as it is back, so that it dies at several points of its work."""

    def __init__(self, machine: Machine, name: str, *words: str, times: int = 1) -> None:
        super().__init__(machine)
        self.name = name
        self._words = words
        self._times = times

    async def begin(self) -> None:
        for _ in range(self._times):
            while not (found := self.machine.processes(*self._words)):
                await asyncio.sleep(0.05)
            found[0].kill()
            await asyncio.sleep(0.3)


class GatewayDies(Misfortune):
    name = "gateway killed with -9"

    async def begin(self) -> None:
        gateways = self.machine.processes("training.gateway.serve")
        killed = time.monotonic()
        gateways[0].kill()
        if len(gateways) == 1:
            await asyncio.to_thread(self._wait_until_back, gateways[0].pid)
        self.kills.append((killed, time.monotonic() if len(gateways) == 1 else killed))

    def _wait_until_back(self, old: int) -> None:
        while not any(
            connection.status == "LISTEN"
            for process in self.machine.processes("training.gateway.serve")
            if process.pid != old
            for connection in process.net_connections()
        ):
            time.sleep(0.05)


class DiskFull(Misfortune):
    name = "disk of the spool full"

    def impossible(self) -> str:
        return self.machine.why_no_disks

    async def begin(self) -> None:
        for folder in self.machine.disks:
            with (folder / "filler").open("wb", buffering=0) as file, suppress(OSError):
                while file.write(b"\0" * 4096):
                    pass

    async def end(self) -> None:
        for folder in self.machine.disks:
            (folder / "filler").unlink()


class TeacherMisbehaves(Misfortune):
    def __init__(self, machine: Machine, mode: str) -> None:
        super().__init__(machine)
        self.name = f"teacher: {mode}"
        self._mode = mode

    async def begin(self) -> None:
        self.machine.teacher.mode = self._mode

    async def end(self) -> None:
        self.machine.teacher.mode = WELL


class Promotion(Misfortune):
    name = "promotion and rollback"

    def impossible(self) -> str:
        return "" if self.machine.artifact else "it needs a student (--student)"

    async def begin(self) -> None:
        await asyncio.to_thread(self.machine.promote_second)

    async def end(self) -> None:
        await asyncio.to_thread(self.machine.roll_back)


def misfortunes(machine: Machine) -> list[Misfortune]:
    return [
        PostgresStops(machine),
        ProcessDies(machine, "worker killed with -9", "default"),
        ProcessDies(machine, "shipper killed with -9", "ship_spool", times=3),
        GatewayDies(machine),
        DiskFull(machine),
        *(TeacherMisbehaves(machine, mode) for mode in MODES if mode != WELL),
        Promotion(machine),
    ]
