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
from training.gateway.champions import Champions, LoadStudent
from training.selectors.snapshot import Snapshot, StudentEntry
from training.students.artifacts import ArtifactError
from training.students.base import Prediction

Following = Callable[[LoadStudent], Champions]


@pytest.fixture
def entry(tmp_path: Path) -> StudentEntry:
    write_artifact(tmp_path / "artifact")
    champion = default_entry("http://127.0.0.1:1", tmp_path).champion
    assert champion
    return champion


@pytest.fixture
def following(tmp_path: Path) -> Iterator[Following]:
    """Makes champions that run in the background until the test ends."""
    started: list[Champions] = []

    def start(load: LoadStudent) -> Champions:
        started.append(Champions(load, tmp_path / "cache"))
        started[-1].start()
        return started[-1]

    yield start
    for champions in started:
        champions.stop()


def promoted(entry: StudentEntry | None, folder: Path) -> Snapshot:
    return Snapshot({}, {1: msgspec.structs.replace(default_entry("http://127.0.0.1:1", folder), champion=entry)})


def version_of(champions: Champions) -> str:
    champion = champions.of(1)
    return champion.entry.version if champion else ""


def test_the_last_champion_answers_until_the_next_is_loaded(
    following: Following, entry: StudentEntry, tmp_path: Path
) -> None:
    gate = threading.Event()
    gate.set()

    def load(_: Path) -> FakeStudent:
        gate.wait()
        return FakeStudent()

    champions = following(load)
    champions.follow(promoted(entry, tmp_path))
    wait_until(lambda: version_of(champions) == "music-encoder-1")
    gate.clear()
    following_entry = msgspec.structs.replace(entry, version="music-encoder-2")
    champions.follow(promoted(following_entry, tmp_path))
    assert version_of(champions) == "music-encoder-1"
    assert champions.states() == {1: "music-encoder-2 is being loaded"}
    gate.set()
    wait_until(lambda: version_of(champions) == "music-encoder-2")
    assert champions.states() == {1: "music-encoder-2 answers"}


def test_a_student_is_warmed_up_before_it_answers(following: Following, entry: StudentEntry, tmp_path: Path) -> None:
    asked: list[str] = []

    class Watched(FakeStudent):
        def predict(self, queries: Sequence[str]) -> list[Prediction]:
            asked.append(version_of(champions))
            return []

    champions = following(lambda _: Watched())
    champions.follow(promoted(entry, tmp_path))
    wait_until(lambda: version_of(champions))
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
    champions = following(lambda _: FakeStudent())
    champions.follow(promoted(entry, tmp_path))
    wait_until(lambda: version_of(champions))
    champions.follow(promoted(msgspec.structs.replace(entry, version="music-encoder-2", **changes), tmp_path))
    wait_until(lambda: "music-encoder-2 is refused" in champions.states()[1])
    assert sentence in champions.states()[1]
    assert champions.of(1) is None
    assert "music-encoder-2 is refused" in caplog.text


def test_a_student_that_breaks_at_its_first_query_is_refused(
    following: Following, entry: StudentEntry, tmp_path: Path
) -> None:
    def load(_: Path) -> FakeStudent:
        raise ArtifactError("model.onnx is missing")

    champions = following(load)
    champions.follow(promoted(entry, tmp_path))
    wait_until(lambda: champions.states() == {1: "music-encoder-1 is refused: model.onnx is missing"})


def test_a_new_threshold_needs_no_new_load(following: Following, entry: StudentEntry, tmp_path: Path) -> None:
    loads: list[Path] = []

    def load(folder: Path) -> FakeStudent:
        loads.append(folder)
        return FakeStudent()

    champions = following(load)
    champions.follow(promoted(entry, tmp_path))
    wait_until(lambda: version_of(champions))
    champions.follow(promoted(msgspec.structs.replace(entry, threshold=0.95), tmp_path))
    wait_until(lambda: (champion := champions.of(1)) and champion.entry.threshold == 0.95)
    assert len(loads) == 1


def test_without_a_champion_the_last_one_leaves_at_once(
    following: Following, entry: StudentEntry, tmp_path: Path
) -> None:
    champions = following(lambda _: FakeStudent())
    champions.follow(promoted(entry, tmp_path))
    wait_until(lambda: version_of(champions))
    champions.follow(promoted(None, tmp_path))
    assert champions.of(1) is None and champions.states() == {}


def test_an_artifact_from_elsewhere_is_copied_here(following: Following, entry: StudentEntry, tmp_path: Path) -> None:
    store = fsspec.filesystem("memory")
    store.pipe("/students/music-encoder-1/manifest.json", b"{}")
    loads: list[Path] = []

    def load(folder: Path) -> FakeStudent:
        loads.append(folder)
        return FakeStudent()

    champions = following(load)
    remote = msgspec.structs.replace(entry, artifact="memory://students/music-encoder-1")
    champions.follow(promoted(remote, tmp_path))
    wait_until(lambda: version_of(champions))
    assert loads[0].is_relative_to(tmp_path / "cache")
    assert (loads[0] / "manifest.json").read_bytes() == b"{}"
