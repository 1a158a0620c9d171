"""The command that carries the spool to PostgreSQL, as an operator runs it."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.core.management import call_command
from pytest_django import Settings

from curation.models import Application, Query
from tests.training.services.test_spool import record
from training.services.rejections import RejectedLine
from training.services.spool import Spool


@pytest.fixture
def spool(tmp_path: Path, settings: Settings) -> Spool:
    settings.SPOOL_DIR = tmp_path
    return Spool(tmp_path, limit_bytes=10**6)


def printed(*arguments: str) -> Any:
    out = StringIO()
    call_command("ship_spool", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_once_ships_what_lies_ready_and_ends(spool: Spool, application: Application) -> None:
    spool.append(record(application_id=application.pk))
    spool.rotate()
    assert printed("--once") == {"shipped": 1}
    assert printed("--once") == {"shipped": 0}


def test_rejected_lines_are_tried_again(spool: Spool, application: Application) -> None:
    line = msgspec.json.encode(record("play Sade", application_id=application.pk)).decode() + "\n"
    rejected = [RejectedLine("it was too early", line), RejectedLine("it is none", "{}\n")]
    (spool.folder / "1.rejected").write_bytes(msgspec.json.Encoder().encode_lines(rejected))
    assert printed("--rejected") == {"shipped": 1, "rejected": 1}
    assert Query.objects.get().text == "play Sade"
