"""The gateway as an ASGI application: `uvicorn training.gateway.asgi:application --no-access-log`."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "odia_site.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import Error, connection  # noqa: E402

from training.gateway.application import GatewayConfig, build_application  # noqa: E402
from training.selectors.snapshot import Snapshot, read_snapshot  # noqa: E402
from training.students.serving import load_student  # noqa: E402


def read_from_database() -> Snapshot:
    """The snapshot; a connection that failed is dropped, so that the next call opens another."""
    try:
        return read_snapshot()
    except Error:
        connection.close()
        raise


application = build_application(
    GatewayConfig(
        state_dir=settings.DATA_DIR / "gateway",
        spool_dir=settings.SPOOL_DIR,
        spool_limit=settings.SPOOL_LIMIT_BYTES,
        body_limit=settings.GATEWAY_BODY_LIMIT_BYTES,
    ),
    read_from_database,
    load_student,
)
