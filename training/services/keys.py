"""Keys with which an application's requests are known at the gateway."""

from __future__ import annotations

import hashlib
import secrets

from django.utils import timezone

from curation.models import Application
from training.models import ApiKey

KEY_PREFIX = "odia-"
SHOWN_CHARACTERS = 12


def key_create(*, application: Application, label: str = "") -> tuple[ApiKey, str]:
    """Make a key. Its text is returned here and never again: only its SHA-256 is kept."""
    text = KEY_PREFIX + secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        application=application, label=label[:100], prefix=text[:SHOWN_CHARACTERS], sha256=hash_key(text)
    )
    return key, text


def key_revoke(*, key: ApiKey) -> ApiKey:
    """Stop a key. Gateways refuse it within two seconds. Revoking it again changes nothing."""
    if key.revoked_at is None:
        key.revoked_at = timezone.now()
        key.save(update_fields=["revoked_at"])
    return key


def hash_key(text: str) -> str:
    """What is kept of a key: 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()
