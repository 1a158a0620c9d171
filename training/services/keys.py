"""Keys with which an application's requests are known at the gateway."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from curation.models import Application
from curation.services.settings_log import change_record
from training.models import ApiKey

KEY_PREFIX = "odia-"
SHOWN_CHARACTERS = 12


# A request that arrived before the minute that the row stands at counts for nothing any more.
RECORD_USE = """
UPDATE training_apikey SET
    last_used_at = GREATEST(last_used_at, %(used_at)s),
    minute_requests = CASE
        WHEN minute = %(minute)s THEN minute_requests + %(requests)s
        WHEN minute > %(minute)s THEN minute_requests
        ELSE %(requests)s
    END,
    minute = GREATEST(minute, %(minute)s)
WHERE id = %(id)s
RETURNING minute_requests
"""


def key_create(
    *, application: Application, label: str = "", requests_per_minute: int | None = None
) -> tuple[ApiKey, str]:
    """Make a key. Its text is returned here and never again: only its SHA-256 is kept."""
    text = KEY_PREFIX + secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        application=application,
        label=label[:100],
        prefix=text[:SHOWN_CHARACTERS],
        sha256=hash_key(text),
        requests_per_minute=requests_per_minute,
    )
    return key, text


@transaction.atomic
def key_revoke(*, key: ApiKey, user: User | None = None) -> ApiKey:
    """Stop a key, and record who did; no user is a command. Gateways refuse it within two seconds.

    Revoking it again changes nothing.
    """
    if key.revoked_at is None:
        key.revoked_at = timezone.now()
        key.save(update_fields=["revoked_at"])
        before, after = {"revoked": False}, {"revoked": True}
        change_record(user=user, application=key.application, row=key, before=before, after=after)
    return key


def key_limit(*, key: ApiKey, requests_per_minute: int | None) -> ApiKey:
    """Set how many requests a minute a key may bring; None is no limit."""
    key.requests_per_minute = requests_per_minute
    key.save(update_fields=["requests_per_minute"])
    return key


@transaction.atomic
def keys_record_use(*, requests: Mapping[int, int], used_at: datetime) -> dict[int, int]:
    """Add the requests that one gateway saw in the minute of `used_at`, by key.

    Returns:
        By key, the requests of all gateways in that minute.
    """
    minute = used_at.replace(second=0, microsecond=0)
    totals: dict[int, int] = {}
    with connection.cursor() as cursor:
        for pk, count in sorted(requests.items()):  # always in the same order, so that gateways never deadlock
            cursor.execute(RECORD_USE, {"id": pk, "requests": count, "minute": minute, "used_at": used_at})
            for (total,) in cursor.fetchall():
                totals[pk] = total
    return totals


def hash_key(text: str) -> str:
    """What is kept of a key: 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()
