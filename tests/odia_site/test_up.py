"""`manage.py up` as a newcomer starts it."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest
from django.core.management.base import CommandError

from odia_site.management.commands.up import _require_free
from tests.running import free_ports, reachable_folder, running_odia
from training.gateway.serve import listen


@pytest.fixture
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return reachable_folder(tmp_path_factory, "up") / "var"


def _descendants(data_dir: Path) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline", "environ"])
        if (process.info["environ"] or {}).get("ODIA_DATA_DIR") == str(data_dir)
        or str(data_dir) in " ".join(process.info["cmdline"] or [])
    ]


def _gateways(data_dir: Path) -> list[psutil.Process]:
    return [process for process in _descendants(data_dir) if "training.gateway.serve" in process.cmdline()]


def test_it_starts_answers_survives_a_kill_and_stops_cleanly(data_dir: Path) -> None:
    with running_odia(data_dir) as odia:
        assert httpx.get(odia.printed["Dashboard"], follow_redirects=True).status_code == 200
        assert httpx.get(f"{odia.printed['Gateway']}/models").status_code == 401
        assert re.search(r"password \S+", odia.printed["Sign"])
        os.kill(odia.process.pid, signal.SIGKILL)
        odia.process.wait()
    assert _descendants(data_dir), "the kill left the children running, which the next start must deal with"
    with running_odia(data_dir) as odia:
        assert httpx.get(odia.printed["Dashboard"], follow_redirects=True).status_code == 200
        assert "changepassword" in odia.printed["Sign"], "the database is the one of the first start"
    assert odia.process.returncode == 0
    assert _descendants(data_dir) == []


def test_of_several_gateways_one_may_be_killed_and_comes_back(data_dir: Path) -> None:
    with running_odia(data_dir, "--gateway-processes", "2") as odia:
        url = f"{odia.printed['Gateway']}/models"
        killed, other = _gateways(data_dir)
        _wait_until(lambda: all(process.net_connections() for process in (killed, other)))
        killed.kill()
        _wait_until(lambda: _is_dead(killed))  # connections that are under way at its end are its own
        assert [httpx.get(url).status_code for _ in range(20)] == [401] * 20
        _wait_until(lambda: len(_gateways(data_dir)) == 2)
        assert other in _gateways(data_dir)


RUNS = """
import time
from curation.models import Application, Job
from curation.tasks import start_job
from training.tasks import distil

application = Application.objects.create(slug="music", name="Music")
for number in range(2):
    start_job(task=distil, application=application, kind="distil", trigger="command", parameters={"number": number})
while Job.objects.exclude(state="failed").exists():
    time.sleep(0.2)
"""
"""Two jobs of the trainer that fail at once, since no run is behind them."""


def test_the_trainer_does_each_run_in_a_process_of_its_own(data_dir: Path) -> None:
    with running_odia(data_dir) as odia:
        odia.manage("shell", "--no-imports", "-c", RUNS)
    log = (data_dir / "log" / "trainer.log").read_text()
    assert len(set(re.findall(r"(ForkPoolWorker-\d+)\] Task training.tasks.distil\S+ raised", log))) == 2


def _is_dead(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _wait_until(holds: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < give_up_at
        time.sleep(0.1)


def test_a_port_that_another_gateway_serves_is_refused() -> None:
    port = free_ports(1)
    _require_free("127.0.0.1", port)
    with listen("127.0.0.1", port) as listener:
        listener.listen()
        with pytest.raises(CommandError, match=f"Port {port} on 127.0.0.1 is taken"):
            _require_free("127.0.0.1", port)
