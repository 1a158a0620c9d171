"""A whole ODIA in a process of its own, for tests that need all of it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class RunningOdia:
    """`printed` holds the lines of its welcome by their first word."""

    process: subprocess.Popen[str]
    printed: dict[str, str]
    data_dir: Path

    def manage(self, *arguments: str) -> str:
        """Run a command against it; returns what it printed on standard output."""
        command = [sys.executable, "manage.py", *arguments]
        environment = {**_environment(), "ODIA_DATA_DIR": str(self.data_dir)}
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout


def reachable_folder(factory: pytest.TempPathFactory, name: str) -> Path:
    """A temporary folder that the database server reaches too, which may run as a user of its own."""
    folder = factory.mktemp(name)
    for parent in (folder, folder.parent, folder.parent.parent):
        parent.chmod(0o755)
    return folder


@contextmanager
def running_odia(data_dir: Path, *arguments: str) -> Iterator[RunningOdia]:
    """`manage.py up --no-sample` with these arguments on free ports, stopped with Ctrl-C."""
    port = free_ports(2)
    command = [sys.executable, "manage.py", "up", "--no-sample", "--data-dir", str(data_dir), *arguments]
    with subprocess.Popen(
        [*command, "--port", str(port), "--gateway-port", str(port + 1)],
        cwd=ROOT,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        printed: dict[str, str] = {}
        assert process.stdout and process.stderr
        for line in process.stdout:
            name, _, rest = line.strip().partition(" ")
            printed[name] = rest.strip()
            if line.startswith("Ctrl-C"):
                break
        else:
            pytest.fail(process.stderr.read())
        try:
            yield RunningOdia(process, printed, data_dir)
        finally:
            process.send_signal(signal.SIGINT)
            process.stdout.read()
            process.wait(60)


def free_ports(count: int) -> int:
    """The first of some ports in a row that are all free."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            first = int(probe.getsockname()[1])
        if all(map(_is_free, range(first, first + count))):
            return first


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
    return True


def _environment() -> dict[str, str]:
    """The tests' own database and broker are not for it: it starts its own."""
    return {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "CELERY_BROKER_URL"}}
