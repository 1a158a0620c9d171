"""The gateway goes on with what it knows when the database is away, also after a restart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.snapshots import SnapshotSource
from tests.training.gateway.conftest import default_entry
from tests.training.gateway.servers import wait_until
from training.gateway.limits import RateLimits
from training.gateway.snapshots import SnapshotKeeper
from training.selectors.snapshot import KeyEntry, Snapshot

Keep = Callable[[Callable[[], Snapshot]], SnapshotKeeper]


@pytest.fixture
def keep(tmp_path: Path) -> Iterator[Keep]:
    started: list[SnapshotKeeper] = []

    def start(read: Callable[[], Snapshot]) -> SnapshotKeeper:
        path = tmp_path / "state" / "snapshot.json"
        started.append(SnapshotKeeper(SnapshotSource(read), RateLimits(), path, lambda _: None, every_seconds=0.01))
        started[-1].start()
        return started[-1]

    yield start
    for keeper in started:
        keeper.stop()


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    return Snapshot({"0" * 64: KeyEntry(3, 1)}, {1: default_entry("http://127.0.0.1:1", tmp_path)})


def away() -> Snapshot:
    raise ConnectionError("the server closed the connection\nwith details")


def test_a_restart_without_the_database_starts_from_the_disk(keep: Keep, snapshot: Snapshot) -> None:
    first = keep(lambda: snapshot)
    wait_until(lambda: first.current == snapshot)
    first.stop()
    second = keep(away)
    assert second.current == snapshot
    wait_until(lambda: second.problem == "the server closed the connection")
    assert second.current == snapshot and second.age_seconds is None


def test_the_last_snapshot_stays_in_force_while_the_database_is_away(
    keep: Keep, snapshot: Snapshot, caplog: pytest.LogCaptureFixture
) -> None:
    reachable = [True]
    keeper = keep(lambda: snapshot if reachable[0] else away())
    wait_until(lambda: keeper.current == snapshot)
    reachable[0] = False
    wait_until(lambda: keeper.problem)
    assert keeper.current == snapshot
    reachable[0] = True
    wait_until(lambda: not keeper.problem)
    assert caplog.text.count("cannot be read") == 1


def test_only_its_owner_may_read_the_kept_snapshot(keep: Keep, snapshot: Snapshot, tmp_path: Path) -> None:
    path = tmp_path / "state" / "snapshot.json"
    keeper = keep(lambda: snapshot)
    wait_until(path.exists)
    assert path.stat().st_mode & 0o077 == 0
    assert keeper.current == snapshot


def test_a_broken_file_is_left_aside(keep: Keep, snapshot: Snapshot, tmp_path: Path) -> None:
    path = tmp_path / "state" / "snapshot.json"
    path.parent.mkdir()
    path.write_bytes(b'{"keys": 7}')
    keeper = keep(lambda: snapshot)
    wait_until(lambda: keeper.current == snapshot)


def test_a_disk_that_takes_nothing_does_not_hold_up_the_news(keep: Keep, snapshot: Snapshot, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    keeper = keep(lambda: snapshot)
    wait_until(lambda: keeper.current == snapshot)
