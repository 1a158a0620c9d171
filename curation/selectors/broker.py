"""Whether the broker answers, through which jobs reach the workers."""

from __future__ import annotations

from celery import current_app
from kombu.exceptions import OperationalError

PATIENCE_SECONDS = 1
PATIENCE = {"socket_connect_timeout": PATIENCE_SECONDS, "socket_timeout": PATIENCE_SECONDS}
"""Of a broker that hangs, too, which takes connections and then says nothing."""


def broker_answers() -> bool:
    """Ask it, and wait for a second at most."""
    try:
        with current_app.connection_for_read(transport_options=PATIENCE) as broker:
            broker.ensure_connection(max_retries=1, timeout=PATIENCE_SECONDS)
    except OperationalError:
        return False
    return True
