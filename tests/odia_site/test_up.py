"""`manage.py up` as a newcomer starts it."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import httpx
import psutil
import pytest

from tests.running import reachable_folder, running_odia


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
