"""Lines in the spool survive the process that wrote them; a full spool fails no request."""

from __future__ import annotations

import errno
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from curation.identifiers import new_id
from training.services.records import RequestRecord
from training.services.segments import adopt_orphans, claimed, ready_segments
from training.services.spool import Spool

WRITE = os.write
TOOLS = [{"type": "function", "function": {"name": "play_music"}}]


def record(text: str = "play Sade", **fields: Any) -> RequestRecord:
    values: dict[str, Any] = {
        "id": new_id(),
        "application_id": 0,
        "key_id": 1,
        "arrived_at": datetime.now(UTC),
        "route": "teacher",
        "reason": "no champion",
        "total_ms": 1.0,
        "status": 200,
        "text": text,
    }
    return RequestRecord(**values | fields)


def read(paths: Iterable[Path]) -> list[RequestRecord]:
    lines = [line for path in paths for line in path.read_bytes().splitlines()]
    return [msgspec.json.decode(line, type=RequestRecord) for line in lines]


def test_a_line_is_on_the_disk_as_soon_as_it_is_appended(tmp_path: Path) -> None:
    spool, written = Spool(tmp_path, limit_bytes=10**6), record("line one\nline two")
    assert spool.append(written)
    assert read(tmp_path.glob("*.open")) == [written]
    assert ready_segments(tmp_path) == []


def test_rotation_hands_the_segments_over_in_order(tmp_path: Path) -> None:
    spool, written = Spool(tmp_path, limit_bytes=10**6), [record(f"play {n}") for n in range(12)]
    for line in written:
        spool.append(line)
        spool.rotate()
    spool.rotate()
    assert read(ready_segments(tmp_path)) == written
    assert spool.stored_bytes == sum(path.stat().st_size for path in tmp_path.iterdir())


def test_a_big_segment_is_rotated_by_itself(tmp_path: Path) -> None:
    spool = Spool(tmp_path, limit_bytes=10**6, segment_bytes=1000)
    for n in range(20):
        spool.append(record(f"play {n}"))
    assert len(ready_segments(tmp_path)) > 1


def test_every_segment_brings_its_tools_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path, limit_bytes=10**6)
    for _ in range(2):
        for _ in range(3):
            spool.append(record(tool_set="a" * 64, tools=TOOLS))
        spool.rotate()
    for path in ready_segments(tmp_path):
        assert [line.tools for line in read([path])] == [TOOLS, None, None]


def refuse(_: int, line: bytes) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


def write_half(file: int, line: bytes) -> int:
    return WRITE(file, line[: len(line) // 2])


@pytest.mark.parametrize("write", [refuse, write_half])
def test_what_a_full_disk_does_not_take_is_written_in_order_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, write: Callable[..., int]
) -> None:
    spool, written = Spool(tmp_path, limit_bytes=10**6), [record(f"play {n}") for n in range(9)]
    for line in written[:3]:
        spool.append(line)
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", write)
        assert all(spool.append(line) for line in written[3:6])
        spool.rotate()
        assert (len(spool.backlog), spool.dropped) == (3, 0)
        assert "records wait in memory" in caplog.text
    assert spool.append(written[6])
    assert len(spool.backlog) == 4, "what came first is written first"
    spool.rotate()
    assert "The spool can be written again: the 4 records" in caplog.text
    for line in written[7:]:
        spool.append(line)
    spool.rotate()
    assert read(ready_segments(tmp_path)) == written
    assert (len(spool.backlog), spool.backlog.bytes) == (0, 0)


def test_a_line_that_waited_brings_its_tools_where_its_segment_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path, limit_bytes=10**6)
    spool.append(record(tool_set="a" * 64, tools=TOOLS))
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", refuse)
        for name in ("a", "b", "a"):
            spool.append(record(tool_set=name * 64, tools=TOOLS))
        spool.rotate()  # hands the first line over
    spool.rotate()
    first, second = ([line.tools for line in read([path])] for path in ready_segments(tmp_path))
    assert (first, second) == ([TOOLS], [TOOLS, TOOLS, None])


def test_a_disk_on_which_no_file_can_be_made_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool, written = Spool(tmp_path, limit_bytes=10**6), [record(f"play {n}") for n in range(4)]
    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", refuse)
        assert all(spool.append(line) for line in written)
        spool.rotate()
    assert list(tmp_path.iterdir()) == []
    spool.rotate()
    assert read(ready_segments(tmp_path)) == written


def test_a_segment_that_cannot_be_handed_over_is_handed_over_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool, written = Spool(tmp_path, limit_bytes=10**6), [record("before"), record("after")]
    spool.append(written[0])
    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", refuse)
        spool.rotate()
        spool.append(written[1])
    spool.rotate()
    assert read(ready_segments(tmp_path)) == written


def test_the_size_limit_holds_the_disk_and_then_the_memory(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    spool, written = Spool(tmp_path, limit_bytes=1000, backlog_bytes=1000), [record(f"play {n}") for n in range(20)]
    kept = [spool.append(line) for line in written]
    assert kept == sorted(kept, reverse=True) and not kept[-1] and 0 < len(spool.backlog) < kept.count(True)
    assert spool.dropped == kept.count(False)
    assert "is `ship_spool` running?" in caplog.text and "THE SPOOL IS LOSING RECORDS" in caplog.text
    shipped: list[RequestRecord] = []
    for _ in range(4):
        spool.rotate()
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 1000
        shipped += read(ready_segments(tmp_path))
        for path in ready_segments(tmp_path):
            path.unlink()
    assert shipped == written[: kept.count(True)]
    assert spool.append(record())


def test_a_nearly_full_spool_is_announced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    spool = Spool(tmp_path, limit_bytes=1000)
    while spool.stored_bytes < 700:
        spool.append(record("play " + "x" * 90))
    with caplog.at_level(logging.WARNING):
        spool.rotate()
    assert "is `ship_spool` running?" in caplog.text and spool.dropped == 0


def test_the_segment_of_a_living_process_is_left_alone(tmp_path: Path) -> None:
    spool = Spool(tmp_path, limit_bytes=10**6)
    spool.append(record())
    adopt_orphans(tmp_path)
    assert ready_segments(tmp_path) == []
    spool.append(record())
    spool.rotate()
    assert len(read(ready_segments(tmp_path))) == 2


WRITER = """
import sys, time
from pathlib import Path
from tests.training.services.test_spool import record
from training.services.spool import Spool
spool = Spool(Path(sys.argv[1]), limit_bytes=10**6)
spool.append(record("before the end"))
print("written", flush=True)
time.sleep(60)
"""


def test_the_segment_of_a_killed_process_is_adopted(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout and writer.stdout.readline() == b"written\n"
        adopt_orphans(tmp_path)
        assert ready_segments(tmp_path) == []
        writer.send_signal(signal.SIGKILL)
    adopt_orphans(tmp_path)
    assert [line.text for line in read(ready_segments(tmp_path))] == ["before the end"]


def test_a_file_is_claimed_by_one_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "segment.ready"
    path.touch()
    with claimed(path) as first, claimed(path) as second:
        assert (first, second) == (True, False)
    with claimed(path) as again:
        assert again
    with claimed(tmp_path / "gone.ready") as gone:
        assert not gone


def test_a_file_that_was_replaced_in_the_meantime_is_not_claimed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, newer = tmp_path / "segment.rejected", tmp_path / "newer"
    path.touch()
    newer.touch()
    opened = os.open

    def open_and_replace(*arguments: Any) -> int:
        file = opened(*arguments)
        if newer.exists():
            newer.replace(path)
        return file

    monkeypatch.setattr(os, "open", open_and_replace)
    with claimed(path) as late:
        assert not late
    with claimed(path) as again:
        assert again
