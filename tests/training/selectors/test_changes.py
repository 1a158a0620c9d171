"""Gateways hear of every change of what they know, as soon as it is committed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.db import connection

from curation.models import Application
from curation.services.applications import application_ensure, teacher_set
from training.models import RoutingPolicy
from training.selectors.changes import wait_for_change
from training.services.keys import key_create, key_revoke, keys_record_use
from training.services.policies import policy_of

LONG_SECONDS = 60.0

CHANGES: dict[str, Callable[[Application], object]] = {
    "a new application": lambda _: application_ensure(slug="another"),
    "a teacher": lambda music: teacher_set(application=music, base_url="http://127.0.0.1:1/v1", model="large"),
    "a policy": lambda _: RoutingPolicy.objects.update(inline=False),
    "a new key": lambda music: key_create(application=music),
    "a revoked key": lambda music: key_revoke(key=music.api_keys.get()),
    "a limit": lambda music: music.api_keys.update(requests_per_minute=3),
}


class Waiting:
    """A gateway that waits for the next change in a thread of its own."""

    def __init__(self) -> None:
        self.listens = threading.Event()
        self._thread = threading.Thread(target=self._wait)
        self._thread.start()
        assert self.listens.wait(LONG_SECONDS)

    def heard(self, seconds: float) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _wait(self) -> None:
        try:
            wait_for_change(0.0)
            self.listens.set()
            wait_for_change(LONG_SECONDS)
        finally:
            connection.close()


@pytest.fixture
def music(transactional_db: None) -> Application:
    application = application_ensure(slug="music")
    policy_of(application)
    key_create(application=application)
    return application


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_heard(music: Application, what: str) -> None:
    waiting = Waiting()
    CHANGES[what](music)
    assert waiting.heard(LONG_SECONDS / 2), what


def test_the_use_of_keys_is_no_news(music: Application) -> None:
    """Gateways write it themselves, each second."""
    waiting = Waiting()
    keys_record_use(requests={music.api_keys.get().pk: 5}, used_at=datetime(2026, 5, 1, tzinfo=UTC))
    assert not waiting.heard(0.3)
    key_create(application=music)
    assert waiting.heard(LONG_SECONDS / 2)
