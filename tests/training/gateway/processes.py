"""Gateways as processes of their own, over one data directory and without a database."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psutil

from tests.running import free_ports
from tests.training.gateway.conftest import KEY, TEACHER_KEY, TEACHER_KEY_VARIABLE
from tests.training.gateway.servers import wait_until
from training.selectors.snapshot import ApplicationEntry, KeyEntry, PolicyEntry, Snapshot, TeacherEntry

NO_DATABASE = "postgresql://localhost:1/none"


class GatewayProcess:
    """`python -m training.gateway.serve`, its log in the data directory."""

    def __init__(self, data_dir: Path, number: int, port: int) -> None:
        environment = {"ODIA_DATA_DIR": str(data_dir), "DATABASE_URL": NO_DATABASE, TEACHER_KEY_VARIABLE: TEACHER_KEY}
        command = [sys.executable, "-m", "training.gateway.serve", "--port", str(port)]
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.log = data_dir / f"{number}.log"
        with self.log.open("wb") as stderr:
            self.process = subprocess.Popen(command, env=os.environ | environment, stderr=stderr)

    def wait_until_it_listens(self) -> None:
        wait_until(self._listens, "the start of the gateway")

    def _listens(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        connections = psutil.Process(self.process.pid).net_connections()
        return any(found.status == psutil.CONN_LISTEN for found in connections)

    def kill(self) -> None:
        """With -9."""
        self.process.kill()
        self.process.wait()


StartGateway = Callable[..., GatewayProcess]


@contextmanager
def gateway_processes(data_dir: Path) -> Iterator[StartGateway]:
    """Starts another gateway at each call, on `port` if one is given; all are killed at the end of the block."""
    started: list[GatewayProcess] = []

    def start(port: int | None = None) -> GatewayProcess:
        started.append(GatewayProcess(data_dir, len(started), port or free_ports(1)))
        started[-1].wait_until_it_listens()
        return started[-1]

    try:
        yield start
    finally:
        for gateway in started:
            gateway.kill()


def keep_snapshot(folder: Path, application_id: int, teacher_url: str) -> None:
    """What a gateway in this data directory knows at its start: one application with a teacher, and KEY."""
    teacher = TeacherEntry(f"{teacher_url}/v1", "large", TEACHER_KEY_VARIABLE, 20.0)
    entry = ApplicationEntry(application_id, "music", PolicyEntry(), teacher, None)
    key = hashlib.sha256(KEY.encode()).hexdigest()
    snapshot = Snapshot({key: KeyEntry(1, application_id)}, {application_id: entry})
    (folder / "gateway").mkdir()
    (folder / "gateway" / "snapshot.json").write_bytes(msgspec.json.encode(snapshot))
