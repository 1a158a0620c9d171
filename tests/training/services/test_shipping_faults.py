"""Whatever is killed, refused or away while the spool is shipped: nothing is lost and nothing comes twice."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from django.db import DataError, OperationalError, ProgrammingError, connection

from curation.identifiers import new_id
from curation.models import Application, Query, RouterDecision, TrafficHour
from tests.training.services.test_spool import record
from training.services import shipping
from training.services.rejections import RejectedLine
from training.services.segments import ready_segments, rejected_files
from training.services.shipping import Replay, ship, ship_rejected
from training.services.spool import Spool

Append = Callable[..., None]


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path, limit_bytes=10**7)


@pytest.fixture
def append(spool: Spool, application: Application) -> Append:
    """A segment of its own with these texts."""

    def append_segment(*texts: str, **fields: Any) -> None:
        for text in texts:
            assert spool.append(record(text, application_id=application.pk, **fields))
        spool.rotate()

    return append_segment


def texts() -> list[str]:
    return sorted(Query.objects.values_list("text", flat=True))


def refuse(monkeypatch: pytest.MonkeyPatch, error: Exception, *, word: str = "") -> None:
    """Let the database refuse all lines, or those with this word."""
    capture = shipping.capture

    def refusing(captures: list[Any]) -> int:
        if any(word in one.text for one in captures):
            raise error
        return capture(captures)

    monkeypatch.setattr(shipping, "capture", refusing)


def reasons(folder: Path) -> list[str]:
    lines = [line for path in rejected_files(folder) for line in path.read_bytes().splitlines()]
    return [msgspec.json.decode(line, type=RejectedLine).reason for line in lines]


def test_rejected_lines_are_tried_again_and_leave_their_file_when_they_pass(
    append: Append, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    append("fine", "odd", "very odd")
    with monkeypatch.context() as patched:
        refuse(patched, DataError("it is odd"), word="odd")
        assert ship(spool.folder) == 1
    with monkeypatch.context() as patched:
        refuse(patched, DataError("it is still odd"), word="very")
        assert ship_rejected(spool.folder) == Replay(1, 1)
    assert reasons(spool.folder) == ["it is still odd"]
    assert ship_rejected(spool.folder) == Replay(1, 0)
    assert texts() == ["fine", "odd", "very odd"]
    assert list(spool.folder.iterdir()) == []
    assert ship_rejected(spool.folder) == Replay(0, 0)


def test_rejected_lines_come_once_however_often_they_are_tried(append: Append, spool: Spool) -> None:
    append("play Sade")
    [segment] = ready_segments(spool.folder)
    line = segment.read_text()
    ship(spool.folder)
    path = spool.folder / "copied.rejected"
    path.write_bytes(msgspec.json.encode(RejectedLine("as if the shipper had been killed", line)) + b"\nnot ours\n")
    assert ship_rejected(spool.folder) == Replay(0, 1)
    assert ship_rejected(spool.folder) == Replay(0, 1)
    assert "not ours" in path.read_text()
    assert Query.objects.count() == RouterDecision.objects.count() == 1


def test_rejected_lines_stay_while_the_database_is_away(
    append: Append, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    append("odd")
    with monkeypatch.context() as patched:
        refuse(patched, DataError("it is odd"))
        ship(spool.folder)
    before = [path.read_bytes() for path in rejected_files(spool.folder)]
    with monkeypatch.context() as patched:
        refuse(patched, OperationalError("no connection"))
        with pytest.raises(OperationalError):
            ship_rejected(spool.folder)
    assert before == [path.read_bytes() for path in rejected_files(spool.folder)]


@pytest.mark.parametrize(
    "error",
    [
        psycopg.OperationalError("the connection was lost within COPY"),
        psycopg.errors.AdminShutdown("terminating connection"),
        ProgrammingError("column is_new does not exist"),
    ],
)
def test_what_is_the_databases_fault_rejects_no_line(
    append: Append, spool: Spool, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    append("one alone")
    with monkeypatch.context() as patched:
        refuse(patched, error)
        with pytest.raises((OperationalError, ProgrammingError)):
            ship(spool.folder)
    assert rejected_files(spool.folder) == []
    assert ship(spool.folder) == 1


class Killed(BaseException):
    """Ends a shipper where it stands, as a kill would."""


@pytest.mark.parametrize("at", ["unlink", "replace"])
def test_a_shipper_killed_after_the_commit_writes_nothing_twice(
    append: Append, spool: Spool, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    def kill(*_: object, **__: object) -> None:
        raise Killed

    append("play Sade", "play Adele")
    spool.append(record("of nobody"))
    append("last")
    with monkeypatch.context() as patched:
        patched.setattr(Path, at, kill)
        with pytest.raises(Killed):
            ship(spool.folder)
    assert texts() == ["play Adele", "play Sade"] if at == "unlink" else Query.objects.count() >= 2
    ship(spool.folder)
    assert texts() == ["last", "play Adele", "play Sade"]
    assert RouterDecision.objects.count() == 3
    assert sum(TrafficHour.objects.values_list("requests", flat=True)) == 3
    assert len(reasons(spool.folder)) == 1


def test_records_of_hours_and_months_ago_are_shipped_into_their_own_time(append: Append, spool: Spool) -> None:
    now = datetime.now(UTC)
    ages = [timedelta(0), timedelta(hours=1), timedelta(hours=7), timedelta(days=40), timedelta(days=400)]
    for age in ages:
        for number in range(3):
            at = now - age
            append(f"{age.days} days, {number}", id=new_id(at), arrived_at=at)
    copies = {path: path.read_bytes() for path in ready_segments(spool.folder)}
    assert ship(spool.folder) == 15
    hours = {hour.hour: hour.requests for hour in TrafficHour.objects.all()}
    assert hours == {(now - age).replace(minute=0, second=0, microsecond=0): 3 for age in ages}
    for path, content in copies.items():
        path.write_bytes(content)
    assert ship(spool.folder) == 0
    assert Query.objects.count() == RouterDecision.objects.count() == 15
    assert sum(TrafficHour.objects.values_list("requests", flat=True)) == 15


def test_segments_that_are_empty_or_torn_hold_up_nothing(append: Append, spool: Spool) -> None:
    (spool.folder / "0-empty.ready").touch()
    (spool.folder / "1-torn.open").write_bytes(b'{"id":"0199')
    append("play Sade")
    assert ship(spool.folder) == 1
    assert list(spool.folder.iterdir()) == []


def test_a_file_that_the_disk_does_not_give_holds_up_no_other(
    append: Append, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    append("first")
    append("second")
    read_bytes = Path.read_bytes
    broken, _ = ready_segments(spool.folder)

    def read(path: Path) -> bytes:
        if path == broken:
            raise OSError("input/output error")
        return read_bytes(path)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", read)
        assert ship(spool.folder) == 1
    assert ship(spool.folder) == 1
    assert texts() == ["first", "second"]


def test_a_segment_that_is_being_written_is_not_shipped(append: Append, spool: Spool, application: Application) -> None:
    append("handed over")
    spool.append(record("still open", application_id=application.pk))
    assert ship(spool.folder) == 1
    assert ship(spool.folder) == 0
    spool.append(record("later", application_id=application.pk))
    spool.rotate()
    assert ship(spool.folder) == 2


@pytest.mark.django_db(transaction=True)
def test_shippers_at_the_same_time_write_each_record_once(append: Append, spool: Spool) -> None:
    for number in range(20):
        append(*(f"{number} {part}" for part in range(10)))

    def work(_: int) -> int:
        try:
            return ship(spool.folder)
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        shipped = sum(pool.map(work, range(3)))
    assert shipped == Query.objects.count() == RouterDecision.objects.count() == 200
    assert list(spool.folder.iterdir()) == []
