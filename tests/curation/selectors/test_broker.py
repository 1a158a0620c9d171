from __future__ import annotations

import socket
from pathlib import Path

import pytest
from celery import current_app
from kombu import Connection

from curation.selectors.broker import PATIENCE, broker_answers


def test_a_broker_that_runs_answers() -> None:
    assert broker_answers()


def test_a_broker_that_is_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    away = Connection("redis://127.0.0.1:1/0", transport_options={"socket_connect_timeout": 1})
    monkeypatch.setattr(current_app, "connection_for_read", lambda **_: away)
    assert not broker_answers()


def test_a_broker_that_hangs_is_told_within_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "broker"))
        silent.listen()
        hanging = Connection(f"redis+socket://{tmp_path}/broker", transport_options=PATIENCE)
        monkeypatch.setattr(current_app, "connection_for_read", lambda **_: hanging)
        assert not broker_answers()
