"""Lines in the spool survive the process that wrote them; a full spool fails no request."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from curation.identifiers import new_id
from training.services.spool import RequestRecord, Spool, adopt_orphans, claimed, ready_segments

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


def test_a_full_spool_says_so_and_goes_on_when_there_is_room(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    spool = Spool(tmp_path, limit_bytes=1000)
    kept = [spool.append(record(f"play {n}")) for n in range(20)]
    assert kept[0] and not kept[-1]
    assert spool.dropped == kept.count(False)
    assert "THE SPOOL IS LOSING RECORDS" in caplog.text
    spool.rotate()
    assert len(read(ready_segments(tmp_path))) == kept.count(True)
    for path in ready_segments(tmp_path):
        path.unlink()
    spool.rotate()
    assert spool.append(record())


def test_a_nearly_full_spool_is_announced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    spool = Spool(tmp_path, limit_bytes=1000)
    while spool.stored_bytes < 700:
        spool.append(record("play " + "x" * 90))
    with caplog.at_level(logging.WARNING):
        spool.rotate()
    assert "is `ship_spool` running?" in caplog.text and spool.dropped == 0


def test_a_disk_that_takes_only_half_a_line_keeps_the_segment_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool, before, after = Spool(tmp_path, limit_bytes=10**6), record("before"), record("after")
    spool.append(before)
    with monkeypatch.context() as patched:
        write = os.write
        patched.setattr(os, "write", lambda file, line: write(file, line[:20]))
        assert not spool.append(record("lost"))
    spool.append(after)
    spool.rotate()
    assert read(ready_segments(tmp_path)) == [before, after]


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
