"""The files of the spool: each written by one process, handed over by its name, claimed by one at a time.

A segment is written by one process, which holds a lock on it (`….open`). When it is closed it is renamed to
`….ready`. An open segment without a lock belongs to a process that died; whoever ships adopts it. Lines that could
not be shipped are kept with their reasons in `….rejected`.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

OPEN, READY, REJECTED = ".open", ".ready", ".rejected"


class Segment:
    """One open segment file, locked for as long as this process lives.

    Raises:
        OSError: the disk does not take it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size = 0
        self.tool_sets: set[str] = set()
        # Locked before it bears its name: nobody ever sees an open segment of a living process unlocked.
        unnamed = path.with_suffix(".new")
        self._file = os.open(unnamed, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            unnamed.rename(path)
        except OSError:
            os.close(self._file)
            unnamed.unlink(missing_ok=True)
            raise

    def write(self, line: bytes) -> None:
        """The whole line, or none of it.

        Raises:
            OSError: the disk does not take it.
        """
        written = os.write(self._file, line)
        if written < len(line):
            os.ftruncate(self._file, self.size)
            raise OSError("no space left on the disk")
        self.size += written

    def close(self) -> None:
        """Hand it over. Where it cannot be renamed it stays open."""
        self._path.rename(self._path.with_suffix(READY))
        os.close(self._file)


def stored_bytes(folder: Path) -> int:
    """How much lies in the spool, rejected lines included."""
    total = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                total += entry.stat().st_size
    return total


def adopt_orphans(folder: Path) -> None:
    """Make the open segments of processes that died ready to be shipped."""
    for path in folder.glob(f"*{OPEN}"):
        with claimed(path) as mine:
            if mine:
                path.rename(path.with_suffix(READY))


def ready_segments(folder: Path) -> list[Path]:
    """The closed segments, the oldest first."""
    return sorted(folder.glob(f"*{READY}"))


def oldest_age(folder: Path) -> float:
    """Seconds for which the oldest closed segment has waited to be shipped; 0 if none waits."""
    now = time.time()
    ages = [0.0]
    for path in ready_segments(folder):
        with suppress(FileNotFoundError):
            ages.append(now - path.stat().st_mtime)
    return max(ages)


def rejected_files(folder: Path) -> list[Path]:
    """Files of lines that could not be shipped, the oldest first."""
    return sorted(folder.glob(f"*{REJECTED}"))


@contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Whether nobody else works on this file; if so nobody else will inside the block."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        yield False
        return
    try:
        yield _locked(file) and _is_still(path, file)
    finally:
        os.close(file)


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still(path: Path, file: int) -> bool:
    """Whether the name means the file that was opened: somebody may have shipped or replaced it in the meantime."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file))
    except FileNotFoundError:
        return False
