"""Whether the broker answers, through which jobs reach the workers."""

from __future__ import annotations

from celery import current_app
from kombu.exceptions import OperationalError

PATIENCE_SECONDS = 1


def broker_answers() -> bool:
    """Ask it, and wait for a second at most."""
    try:
        with current_app.connection_for_read() as broker:
            broker.ensure_connection(max_retries=1, timeout=PATIENCE_SECONDS)
    except OperationalError:
        return False
    return True
