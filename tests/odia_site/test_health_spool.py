"""What the doctor says of the spool."""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec
import pytest
from pytest_django import Settings

from odia_site.findings import Finding
from odia_site.health import examine_spool
from training.services.rejections import RejectedLine


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    settings.SPOOL_DIR, settings.SPOOL_LIMIT_BYTES = tmp_path / "spool", 1000
    settings.SPOOL_DIR.mkdir()
    return settings.SPOOL_DIR


def test_a_spool_with_room_is_well(folder: Path) -> None:
    (folder / "1.ready").write_bytes(b"x" * 100)
    assert examine_spool() == Finding("spool", True, "0.0 MB wait to be written (10% of what it may hold).")
    (folder / "1.ready").unlink()
    folder.rmdir()
    assert examine_spool().ok


def test_a_spool_that_is_nearly_full_is_told(folder: Path) -> None:
    (folder / "1.ready").write_bytes(b"x" * 900)
    assert not examine_spool().ok and "90%" in examine_spool().sentence


def test_a_segment_that_nobody_ships_is_told_with_its_age(folder: Path) -> None:
    for name, minutes in (("1", 90), ("2", 1)):
        path = folder / f"{name}.ready"
        path.touch()
        os.utime(path, (time.time() - 60 * minutes,) * 2)
    assert not examine_spool().ok
    assert "90 minutes; is `manage.py ship_spool` running?" in examine_spool().sentence


def test_rejected_lines_are_told_with_what_to_do(folder: Path) -> None:
    line = msgspec.json.encode(RejectedLine("why", "{}")) + b"\n"
    (folder / "1.rejected").write_bytes(line * 3)
    assert not examine_spool().ok
    assert "3 records could not be shipped" in examine_spool().sentence
    assert "`manage.py ship_spool --rejected`" in examine_spool().sentence
