"""`manage.py up` as a newcomer starts it, without the sample (the browser test has the sample's place)."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def running(data_dir: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """A running `up`, and the lines it printed, by their first word."""
    port = _free_pair()
    environment = {
        name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "CELERY_BROKER_URL"}
    }
    command = [sys.executable, "manage.py", "up", "--no-sample", "--data-dir", str(data_dir)]
    with subprocess.Popen(
        [*command, "--port", str(port), "--gateway-port", str(port + 1)],
        cwd=ROOT,
        env=environment,
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
            yield process, printed
        finally:
            process.send_signal(signal.SIGINT)
            process.stdout.read()
            process.wait(60)


def _free_pair() -> int:
    """A port that is free together with the next."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port


def _descendants(data_dir: Path) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline", "environ"])
        if (process.info["environ"] or {}).get("ODIA_DATA_DIR") == str(data_dir)
        or str(data_dir) in " ".join(process.info["cmdline"] or [])
    ]


@pytest.fixture
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("up")
    for parent in (folder, folder.parent, folder.parent.parent):
        parent.chmod(0o755)  # the database server may run as a user of its own
    return folder / "var"


def test_it_starts_answers_survives_a_kill_and_stops_cleanly(data_dir: Path) -> None:
    with running(data_dir) as (process, printed):
        assert httpx.get(printed["Dashboard"], follow_redirects=True).status_code == 200
        assert httpx.get(f"{printed['Gateway']}/models").status_code == 401
        assert re.search(r"password \S+", printed["Sign"])
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert _descendants(data_dir), "the kill left the children running, which the next start must deal with"
    with running(data_dir) as (process, printed):
        assert httpx.get(printed["Dashboard"], follow_redirects=True).status_code == 200
        assert "changepassword" in printed["Sign"], "the database is the one of the first start"
    assert process.returncode == 0
    assert _descendants(data_dir) == []
