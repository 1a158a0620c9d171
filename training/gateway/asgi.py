"""The gateway as an ASGI application, put together from the settings (see `training.gateway.serve`)."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "odia_site.settings")
django.setup()

from django.conf import settings  # noqa: E402

from training.gateway.shared_metrics import share_metrics  # noqa: E402

share_metrics(settings.DATA_DIR / "gateway" / "metrics")

from training.gateway.application import GatewayConfig, build_application  # noqa: E402
from training.gateway.database import Postgres  # noqa: E402
from training.students.serving import load_student  # noqa: E402

application = build_application(
    GatewayConfig(
        state_dir=settings.DATA_DIR / "gateway",
        spool_dir=settings.SPOOL_DIR,
        spool_limit=settings.SPOOL_LIMIT_BYTES,
        body_limit=settings.GATEWAY_BODY_LIMIT_BYTES,
        teacher_concurrency=settings.TEACHER_CONCURRENCY,
    ),
    Postgres(),
    load_student,
)
