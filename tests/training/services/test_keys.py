"""Keys: shown once, kept as a hash, stopped for good."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from curation.models import Application
from training.models import ApiKey
from training.selectors.snapshot import read_snapshot
from training.services.keys import key_create, key_revoke, keys_record_use


def test_a_key_is_kept_as_its_hash_only(application: Application) -> None:
    key, text = key_create(application=application, label="phone")
    assert key.sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert text.startswith(key.prefix) and len(text) > 40
    assert text not in str(ApiKey.objects.values().get())
    assert key_create(application=application)[1] != text


def test_a_revoked_key_leaves_the_snapshot_and_stays_revoked(application: Application) -> None:
    key, _ = key_create(application=application)
    assert read_snapshot().keys[key.sha256].application_id == application.pk
    first = key_revoke(key=key).revoked_at
    assert first is not None and key_revoke(key=key).revoked_at == first
    assert read_snapshot().keys == {}


def test_the_command_prints_a_key_that_works(application: Application) -> None:
    out = io.StringIO()
    call_command("create_key", application="music", label="phone", json=True, stdout=out)
    printed = json.loads(out.getvalue().splitlines()[-1])
    assert printed["application"] == "music"
    assert ApiKey.objects.get(label="phone").sha256 == hashlib.sha256(printed["key"].encode()).hexdigest()


def test_the_command_makes_a_key_with_a_limit(application: Application) -> None:
    call_command("create_key", application="music", requests_per_minute=60, json=True, stdout=io.StringIO())
    assert ApiKey.objects.get().requests_per_minute == 60
    with pytest.raises(CommandError, match="--requests-per-minute must be at least 1"):
        call_command("create_key", application="music", requests_per_minute=0)


def test_the_command_names_an_application_that_is_not_there(db: None) -> None:
    with pytest.raises(CommandError, match="There is no application 'nobody'"):
        call_command("create_key", application="nobody")


NOON = datetime(2026, 5, 1, 12, 0, 20, tzinfo=UTC)


def test_the_use_of_a_key_is_added_up_within_a_minute(application: Application) -> None:
    """As several gateways tell it, each with what it saw since it told last."""
    key, _ = key_create(application=application)
    minute = timedelta(minutes=1)
    told = [(3, NOON), (4, NOON + timedelta(seconds=30)), (2, NOON + minute), (5, NOON), (1, NOON + minute)]
    totals = [keys_record_use(requests={key.pk: count}, used_at=at)[key.pk] for count, at in told]
    assert totals == [3, 7, 2, 2, 3], "what comes late for a minute that is over changes nothing"
    key.refresh_from_db()
    assert key.last_used_at == NOON + minute
    assert (key.minute, key.minute_requests) == (NOON.replace(second=0) + minute, 3)


def test_a_key_that_is_gone_does_not_hold_up_the_others(application: Application) -> None:
    key, _ = key_create(application=application)
    assert keys_record_use(requests={key.pk + 1: 9, key.pk: 1}, used_at=NOON) == {key.pk: 1}
