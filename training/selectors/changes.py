"""Word from PostgreSQL that something has changed that gateways know."""

from __future__ import annotations

from django.db import connection

CHANNEL = "odia_gateways"


def wait_for_change(seconds: float) -> None:
    """Return at the next change of keys, policies, teachers or students, after `seconds` at the latest.

    Changes made after the first call on this thread's connection are never missed.

    Raises:
        django.db.Error: the connection is lost.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {CHANNEL}")
        for _ in cursor.connection.notifies(timeout=seconds, stop_after=1):
            pass
