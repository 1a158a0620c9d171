"""The students in service. A new one is fetched, verified and warmed up in the background, then swapped in."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from curation.ml.calls import Call
from training.models.promotions import AliasName
from training.selectors.snapshot import Snapshot, StudentEntry
from training.students.artifacts import MANIFEST, ArtifactError, hash_file
from training.students.base import Prediction
from training.students.store import local_copy

WARM_UP = "warm up"
TRY_AGAIN_AFTER_SECONDS = 30.0

logger = logging.getLogger(__name__)

Role = tuple[int, AliasName]
"""An application's key, and what the student is to it."""


class MemoLookup(Protocol):
    def lookup(self, query: str) -> Call | None: ...


class InlineStudent(Protocol):
    """What the gateway needs of a loaded student."""

    tool_set_sha256: str

    @property
    def functions(self) -> Mapping[str, str]:
        """The hash of each function that it learned, by name."""
        ...

    @property
    def memo(self) -> MemoLookup: ...

    def predict(self, queries: Sequence[str]) -> list[Prediction]: ...


LoadStudent = Callable[[Path], InlineStudent]


@dataclass(frozen=True, slots=True)
class Serving:
    """A student that is ready to answer, with what the snapshot says of it."""

    entry: StudentEntry
    student: InlineStudent


@dataclass(frozen=True, slots=True)
class Refused:
    """A student that cannot serve, and why; tried again after a while."""

    entry: StudentEntry
    why: str
    until: float


class Students:
    """Keeps the champions and challengers that the snapshot names in memory."""

    def __init__(self, load: LoadStudent, cache: Path) -> None:
        self._load_student = load
        self._cache = cache
        self._wanted: dict[Role, StudentEntry] = {}
        self._ready: dict[Role, Serving] = {}
        self._refused: dict[Role, Refused] = {}
        self._work = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="students", daemon=True)

    def champion_of(self, application_id: int) -> Serving | None:
        """The champion of an application, if it is loaded. Until the next one is ready, the last one."""
        return self._ready.get((application_id, AliasName.CHAMPION))

    def challenger_of(self, application_id: int) -> Serving | None:
        return self._ready.get((application_id, AliasName.CHALLENGER))

    def follow(self, snapshot: Snapshot) -> None:
        """Make the students of this snapshot the wanted ones. Those that are loaded change places at once."""
        loaded = {_artifact(serving.entry): serving for serving in list(self._ready.values())}
        self._wanted = dict(_students_of(snapshot))
        for role, entry in self._wanted.items():
            serving = loaded.get(_artifact(entry))
            if serving:
                self._ready[role] = replace(serving, entry=entry)
        for role in set(self._ready) - set(self._wanted):
            del self._ready[role]
        self._work.set()

    def states(self) -> dict[Role, str]:
        """What is loaded, waited for or refused, in a sentence."""
        return {role: self._state(role, entry) for role, entry in self._wanted.items()}

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped = True
        self._work.set()
        self._thread.join()

    def _is_ready(self, role: Role, entry: StudentEntry) -> bool:
        ready = self._ready.get(role)
        return ready is not None and _artifact(ready.entry) == _artifact(entry)

    def _refusal(self, role: Role, entry: StudentEntry) -> Refused | None:
        refused = self._refused.get(role)
        return refused if refused and _artifact(refused.entry) == _artifact(entry) else None

    def _state(self, role: Role, entry: StudentEntry) -> str:
        if self._is_ready(role, entry):
            return f"{entry.version} answers" if role[1] == AliasName.CHAMPION else f"{entry.version} stands by"
        if refused := self._refusal(role, entry):
            return f"{entry.version} is refused: {refused.why}"
        return f"{entry.version} is being loaded"

    def _run(self) -> None:
        while not self._stopped:
            self._work.wait(TRY_AGAIN_AFTER_SECONDS)
            self._work.clear()
            for role, entry in self._wanted.items():
                self._ensure(role, entry)

    def _ensure(self, role: Role, entry: StudentEntry) -> None:
        if self._is_ready(role, entry):
            self._ready[role] = replace(self._ready[role], entry=entry)
            return
        refused = self._refusal(role, entry)
        if refused and time.monotonic() < refused.until:
            return
        try:
            student = self._load(entry)
        except Exception as error:  # whatever is wrong with an artifact, the teacher still answers
            self._refuse(role, entry, error)
        else:
            self._ready[role] = Serving(entry, student)
            self._refused.pop(role, None)
            logger.info("The student %s is ready.", entry.version)

    def _refuse(self, role: Role, entry: StudentEntry, error: Exception) -> None:
        """The last one goes too: the operators took it out of service."""
        self._ready.pop(role, None)
        self._refused[role] = Refused(entry, str(error), time.monotonic() + TRY_AGAIN_AFTER_SECONDS)
        logger.error("The student %s is refused, the teacher answers in its place: %s", entry.version, error)

    def _load(self, entry: StudentEntry) -> InlineStudent:
        folder = local_copy(entry.artifact, self._cache / entry.manifest_sha256)
        if hash_file(folder / MANIFEST) != entry.manifest_sha256:
            raise ArtifactError(f"The {MANIFEST} at {entry.artifact} is not the one that was registered.")
        student = self._load_student(folder)
        if student.tool_set_sha256 != entry.tool_set_sha256:
            raise ArtifactError(f"The student at {entry.artifact} was trained on another tool set.")
        student.predict([WARM_UP])
        return student


def _students_of(snapshot: Snapshot) -> list[tuple[Role, StudentEntry]]:
    return [
        ((pk, alias), entry)
        for pk, application in snapshot.applications.items()
        for alias, entry in (
            (AliasName.CHAMPION, application.champion),
            (AliasName.CHALLENGER, application.challenger),
        )
        if entry
    ]


def _artifact(entry: StudentEntry) -> tuple[str, str, str, str]:
    """What makes it this student; all else that is known of it may change while it serves."""
    return entry.version, entry.artifact, entry.manifest_sha256, entry.tool_set_sha256
