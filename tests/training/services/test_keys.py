"""Keys: shown once, kept as a hash, stopped for good."""

from __future__ import annotations

import hashlib
import io
import json

import pytest
from django.core.management import CommandError, call_command

from curation.models import Application
from training.models import ApiKey
from training.selectors.snapshot import read_snapshot
from training.services.keys import key_create, key_revoke


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


def test_the_command_names_an_application_that_is_not_there(db: None) -> None:
    with pytest.raises(CommandError, match="There is no application 'nobody'"):
        call_command("create_key", application="nobody")
