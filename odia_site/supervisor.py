"""Child processes: started, restarted when they fall over, stopped together, and found again after a kill."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

logger = logging.getLogger(__name__)

STOP_SECONDS = 15.0
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 60.0
"""A process that has run this long starts again without a pause."""


class AlreadyRunning(Exception):
    """Another supervisor works in this data directory."""


@dataclass(slots=True)
class Program:
    """One process to keep running, or with `once` to let end well. Its output goes to a file of its name."""

    name: str
    command: Sequence[str]
    once: bool = False
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    failures: int = 0
    start_after: float = 0.0


@dataclass
class Supervisor:
    """Keeps programs running until `end_programs`. Only one at a time works in a data directory."""

    data_dir: Path
    programs: list[Program] = field(default_factory=list)
    _others: list[int] = field(default_factory=list)
    _lock: IO[str] | None = None

    def acquire(self) -> None:
        """Take the data directory, and end what a killed predecessor left running in it.

        Raises:
            AlreadyRunning: somebody else has it.
        """
        self.data_dir.mkdir(parents=True, exist_ok=True)
        lock = (self.data_dir / "up.lock").open("a+")
        try:
            # The kernel releases this lock however its holder dies, so it is never stale.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.close()
            raise AlreadyRunning(f"ODIA is already running in {self.data_dir}.") from error
        self._lock = lock
        for process in _recorded_processes(self._record_path):
            logger.info("Ending process %s, left over from an earlier run", process.pid)
            _end([process])

    def adopt(self, pid: int) -> None:
        """Record a process that somebody else stops, so that it is ended if this one gets killed."""
        self._others.append(pid)
        self._write_record()

    def start(self, program: Program) -> None:
        self.programs.append(program)
        self._spawn(program)

    def watch(self) -> None:
        """Start again what has ended. Call it a few times a second."""
        for program in self.programs:
            if program.process is None:
                if program.start_after and time.monotonic() >= program.start_after:
                    self._spawn(program)
            elif program.process.poll() is not None:
                self._ended(program, program.process.returncode)

    def end_programs(self) -> None:
        """End all programs, politely first."""
        running = [program.process for program in self.programs if program.process]
        _end([found for found in (_find(process.pid) for process in running) if found])
        for process in running:
            process.wait()
        self.programs.clear()

    def release(self) -> None:
        """Give the data directory back."""
        self._record_path.unlink(missing_ok=True)
        if self._lock:
            self._lock.close()
            self._lock = None

    @property
    def acquired(self) -> bool:
        return self._lock is not None

    @property
    def _record_path(self) -> Path:
        return self.data_dir / "processes.json"

    def _spawn(self, program: Program) -> None:
        log_dir = self.data_dir / "log"
        log_dir.mkdir(exist_ok=True)
        with (log_dir / f"{program.name}.log").open("ab") as log:
            program.process = subprocess.Popen(
                program.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A group of its own: Ctrl-C reaches the supervisor alone, which then stops all in order.
                start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        program.started_at, program.start_after = time.monotonic(), 0.0
        self._write_record()

    def _ended(self, program: Program, status: int) -> None:
        program.process = None
        if program.once and status == 0:
            return
        steady = time.monotonic() - program.started_at >= STEADY_SECONDS
        program.failures = 0 if steady else program.failures + 1
        pause = 0.0 if steady else min(LONGEST_PAUSE_SECONDS, 2.0 ** (program.failures - 1))
        program.start_after = time.monotonic() + pause
        logger.warning(
            "%s ended with status %s; it starts again in %.0f s (see %s)",
            program.name,
            status,
            pause,
            self.data_dir / "log" / f"{program.name}.log",
        )

    def _write_record(self) -> None:
        pids = [program.process.pid for program in self.programs if program.process] + self._others
        found = [process for process in map(_find, pids) if process]
        record = [{"pid": process.pid, "created": process.create_time()} for process in found]
        self._record_path.write_text(json.dumps(record), encoding="utf-8")


def _find(pid: int) -> psutil.Process | None:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid)
    return None


def _recorded_processes(path: Path) -> list[psutil.Process]:
    """Processes of the record that still run; one that merely got the same number is another process."""
    if not path.exists():
        return []
    found = [(_find(row["pid"]), row["created"]) for row in json.loads(path.read_text(encoding="utf-8"))]
    return [process for process, created in found if process and process.create_time() == created]


def _end(processes: Sequence[psutil.Process]) -> None:
    """End processes with all their children: asked to, then killed."""
    families = list(processes)
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            families += process.children(recursive=True)
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(families, timeout=STOP_SECONDS)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=STOP_SECONDS)
