from __future__ import annotations

import pytest
from celery import current_app
from kombu import Connection

from curation.selectors.broker import broker_answers


def test_a_broker_that_runs_answers() -> None:
    assert broker_answers()


def test_a_broker_that_is_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    away = Connection("redis://127.0.0.1:1/0", transport_options={"socket_connect_timeout": 1})
    monkeypatch.setattr(current_app, "connection_for_read", lambda: away)
    assert not broker_answers()
