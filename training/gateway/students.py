"""The champions in memory. A new one is fetched, verified and warmed up in the background, then swapped in."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import msgspec

from curation.ml.calls import Call
from training.selectors.snapshot import Snapshot, StudentEntry
from training.students.artifacts import MANIFEST, ArtifactError, hash_file
from training.students.base import Prediction
from training.students.store import local_copy

WARM_UP = "warm up"
TRY_AGAIN_AFTER_SECONDS = 30.0

logger = logging.getLogger(__name__)


class MemoLookup(Protocol):
    def lookup(self, query: str) -> Call | None: ...


class InlineStudent(Protocol):
    """What the gateway needs of a loaded student."""

    tool_set_sha256: str

    @property
    def memo(self) -> MemoLookup: ...

    def predict(self, queries: Sequence[str]) -> list[Prediction]: ...


LoadStudent = Callable[[Path], InlineStudent]


@dataclass(frozen=True, slots=True)
class Champion:
    """A student that is ready to answer, with the row that it was promoted by."""

    entry: StudentEntry
    student: InlineStudent


@dataclass(frozen=True, slots=True)
class Refused:
    """A student that cannot serve, and why; tried again after a while."""

    entry: StudentEntry
    why: str
    until: float


class Champions:
    """Follows the snapshot. `of` is called by the event loop, everything else by two background threads."""

    def __init__(self, load: LoadStudent, cache: Path) -> None:
        self._load_student = load
        self._cache = cache
        self._wanted: dict[int, StudentEntry] = {}
        self._ready: dict[int, Champion] = {}
        self._refused: dict[int, Refused] = {}
        self._work = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="champions", daemon=True)

    def of(self, application_id: int) -> Champion | None:
        """The champion of an application, if it is loaded. Until the next one is ready, the last one."""
        return self._ready.get(application_id)

    def follow(self, snapshot: Snapshot) -> None:
        """Make the champions of this snapshot the wanted ones."""
        entries = {pk: application.champion for pk, application in snapshot.applications.items()}
        self._wanted = {pk: entry for pk, entry in entries.items() if entry}
        for pk in set(self._ready) - set(self._wanted):
            del self._ready[pk]
        self._work.set()

    def states(self) -> dict[int, str]:
        """By application: what is loaded, waited for or refused, in a sentence."""
        return {pk: self._state(pk, entry) for pk, entry in self._wanted.items()}

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped = True
        self._work.set()
        self._thread.join()

    def _state(self, pk: int, entry: StudentEntry) -> str:
        ready, refused = self._ready.get(pk), self._refused.get(pk)
        if ready and ready.entry == entry:
            return f"{entry.version} answers"
        if refused and refused.entry == entry:
            return f"{entry.version} is refused: {refused.why}"
        return f"{entry.version} is being loaded"

    def _run(self) -> None:
        while not self._stopped:
            self._work.wait(TRY_AGAIN_AFTER_SECONDS)
            self._work.clear()
            for pk, entry in self._wanted.items():
                self._ensure(pk, entry)

    def _ensure(self, pk: int, entry: StudentEntry) -> None:
        ready, refused = self._ready.get(pk), self._refused.get(pk)
        if ready and ready.entry == entry:
            return
        if refused and refused.entry == entry and time.monotonic() < refused.until:
            return
        if ready and _same_artifact(ready.entry, entry):
            self._ready[pk] = replace(ready, entry=entry)
            return
        try:
            self._ready[pk] = Champion(entry, self._load(entry))
        except Exception as error:  # whatever is wrong with an artifact, the teacher still answers
            self._refuse(pk, entry, error)
        else:
            self._refused.pop(pk, None)
            logger.info("The student %s answers now.", entry.version)

    def _refuse(self, pk: int, entry: StudentEntry, error: Exception) -> None:
        """The last champion goes too: the operators took it out of service."""
        self._ready.pop(pk, None)
        self._refused[pk] = Refused(entry, str(error), time.monotonic() + TRY_AGAIN_AFTER_SECONDS)
        logger.error("The student %s is refused, the teacher answers all: %s", entry.version, error)

    def _load(self, entry: StudentEntry) -> InlineStudent:
        folder = local_copy(entry.artifact, self._cache / entry.manifest_sha256)
        if hash_file(folder / MANIFEST) != entry.manifest_sha256:
            raise ArtifactError(f"The {MANIFEST} at {entry.artifact} is not the one that was registered.")
        student = self._load_student(folder)
        if student.tool_set_sha256 != entry.tool_set_sha256:
            raise ArtifactError(f"The student at {entry.artifact} was trained on another tool set.")
        student.predict([WARM_UP])
        return student


def _same_artifact(first: StudentEntry, second: StudentEntry) -> bool:
    return msgspec.structs.replace(first, threshold=second.threshold) == second
