from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from odia_site.supervisor import AlreadyRunning, Program, Supervisor

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def test_a_program_that_falls_over_is_started_again(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path)
    supervisor.acquire()
    program = Program("sleeper", SLEEP)
    supervisor.start(program)
    assert program.process
    first = program.process.pid
    program.process.kill()
    while program.process is None or program.process.pid == first:
        supervisor.watch()
        time.sleep(0.05)
    supervisor.end_programs()
    supervisor.release()


def test_a_program_that_ends_well_once_stays_ended(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path)
    supervisor.acquire()
    program = Program("once", [sys.executable, "-c", "print('done')"], once=True)
    supervisor.start(program)
    while program.process:
        supervisor.watch()
        time.sleep(0.05)
    supervisor.watch()
    assert program.process is None
    assert (tmp_path / "log" / "once.log").read_text() == "done\n"
    supervisor.release()


def test_only_one_works_in_a_data_directory(tmp_path: Path) -> None:
    first = Supervisor(tmp_path)
    first.acquire()
    with pytest.raises(AlreadyRunning, match="already running"):
        Supervisor(tmp_path).acquire()
    first.release()
    second = Supervisor(tmp_path)
    second.acquire()
    second.release()


def test_what_a_killed_one_left_running_is_ended(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from odia_site.supervisor import Program, Supervisor;"
        "supervisor = Supervisor(Path(sys.argv[1])); supervisor.acquire();"
        "program = Program('sleeper', [sys.executable, '-c', 'import time; time.sleep(600)']);"
        "supervisor.start(program); print(program.process.pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout
        orphan = psutil.Process(int(killed.stdout.readline()))
        os.kill(killed.pid, signal.SIGKILL)
    assert orphan.is_running()
    successor = Supervisor(tmp_path)
    successor.acquire()
    until(lambda: not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE)
    successor.release()
