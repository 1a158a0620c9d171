"""A promotion is picked up without a restart, and a student that is not the registered one never answers."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import fsspec
import msgspec
import pytest

from tests.training.gateway.conftest import FakeStudent, default_entry, write_artifact
from tests.training.gateway.servers import wait_until
from training.gateway.students import LoadStudent, Role, Students
from training.models.promotions import AliasName
from training.selectors.snapshot import Snapshot, StudentEntry
from training.students.artifacts import ArtifactError
from training.students.base import Prediction

CHAMPION: Role = (1, AliasName.CHAMPION)
Following = Callable[[LoadStudent], Students]


@pytest.fixture
def entry(tmp_path: Path) -> StudentEntry:
    write_artifact(tmp_path / "artifact")
    champion = default_entry("http://127.0.0.1:1", tmp_path).champion
    assert champion
    return champion


@pytest.fixture
def following(tmp_path: Path) -> Iterator[Following]:
    """Makes students in service that run in the background until the test ends."""
    started: list[Students] = []

    def start(load: LoadStudent) -> Students:
        started.append(Students(load, tmp_path / "cache"))
        started[-1].start()
        return started[-1]

    yield start
    for students in started:
        students.stop()


def promoted(entry: StudentEntry | None, folder: Path) -> Snapshot:
    return Snapshot({}, {1: msgspec.structs.replace(default_entry("http://127.0.0.1:1", folder), champion=entry)})


def version_of(students: Students) -> str:
    champion = students.champion_of(1)
    return champion.entry.version if champion else ""


def test_the_last_champion_answers_until_the_next_is_loaded(
    following: Following, entry: StudentEntry, tmp_path: Path
) -> None:
    gate = threading.Event()
    gate.set()

    def load(_: Path) -> FakeStudent:
        gate.wait()
        return FakeStudent()

    students = following(load)
    students.follow(promoted(entry, tmp_path))
    wait_until(lambda: version_of(students) == "music-encoder-1")
    gate.clear()
    following_entry = msgspec.structs.replace(entry, version="music-encoder-2")
    students.follow(promoted(following_entry, tmp_path))
    assert version_of(students) == "music-encoder-1"
    assert students.states() == {CHAMPION: "music-encoder-2 is being loaded"}
    gate.set()
    wait_until(lambda: version_of(students) == "music-encoder-2")
    assert students.states() == {CHAMPION: "music-encoder-2 answers"}


def test_a_student_is_warmed_up_before_it_answers(following: Following, entry: StudentEntry, tmp_path: Path) -> None:
    asked: list[str] = []

    class Watched(FakeStudent):
        def predict(self, queries: Sequence[str]) -> list[Prediction]:
            asked.append(version_of(students))
            return []

    students = following(lambda _: Watched())
    students.follow(promoted(entry, tmp_path))
    wait_until(lambda: version_of(students))
    assert asked == [""]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"manifest_sha256": hashlib.sha256(b"another").hexdigest()}, "is not the one that was registered"),
        ({"tool_set_sha256": "0" * 64}, "was trained on another tool set"),
        ({"artifact": "memory://nowhere"}, "nowhere"),
        ({"artifact": "file:///nowhere/at/all"}, "nowhere"),
        ({"artifact": "noscheme://x"}, "noscheme"),
    ],
)
def test_a_student_that_is_not_the_registered_one_is_refused(
    following: Following,
    entry: StudentEntry,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    changes: dict[str, str],
    sentence: str,
) -> None:
    students = following(lambda _: FakeStudent())
    students.follow(promoted(entry, tmp_path))
    wait_until(lambda: version_of(students))
    students.follow(promoted(msgspec.structs.replace(entry, version="music-encoder-2", **changes), tmp_path))
    wait_until(lambda: "music-encoder-2 is refused" in students.states()[CHAMPION])
    assert sentence in students.states()[CHAMPION]
    assert students.champion_of(1) is None
    assert "music-encoder-2 is refused" in caplog.text


def test_a_student_that_breaks_at_its_first_query_is_refused(
    following: Following, entry: StudentEntry, tmp_path: Path
) -> None:
    def load(_: Path) -> FakeStudent:
        raise ArtifactError("model.onnx is missing")

    students = following(load)
    students.follow(promoted(entry, tmp_path))
    wait_until(lambda: students.states() == {CHAMPION: "music-encoder-1 is refused: model.onnx is missing"})


def test_a_new_threshold_needs_no_new_load(following: Following, entry: StudentEntry, tmp_path: Path) -> None:
    loads: list[Path] = []

    def load(folder: Path) -> FakeStudent:
        loads.append(folder)
        return FakeStudent()

    students = following(load)
    students.follow(promoted(entry, tmp_path))
    wait_until(lambda: version_of(students))
    students.follow(promoted(msgspec.structs.replace(entry, threshold=0.95), tmp_path))
    wait_until(lambda: (champion := students.champion_of(1)) and champion.entry.threshold == 0.95)
    assert len(loads) == 1


def test_without_a_champion_the_last_one_leaves_at_once(
    following: Following, entry: StudentEntry, tmp_path: Path
) -> None:
    students = following(lambda _: FakeStudent())
    students.follow(promoted(entry, tmp_path))
    wait_until(lambda: version_of(students))
    students.follow(promoted(None, tmp_path))
    assert students.champion_of(1) is None and students.states() == {}


def test_an_artifact_from_elsewhere_is_copied_here(following: Following, entry: StudentEntry, tmp_path: Path) -> None:
    store = fsspec.filesystem("memory")
    store.pipe("/students/music-encoder-1/manifest.json", b"{}")
    loads: list[Path] = []

    def load(folder: Path) -> FakeStudent:
        loads.append(folder)
        return FakeStudent()

    students = following(load)
    remote = msgspec.structs.replace(entry, artifact="memory://students/music-encoder-1")
    students.follow(promoted(remote, tmp_path))
    wait_until(lambda: version_of(students))
    assert loads[0].is_relative_to(tmp_path / "cache")
    assert (loads[0] / "manifest.json").read_bytes() == b"{}"
