"""`manage.py load_sample`: the simulated music assistant, and the loop once over its traffic."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from django.conf import settings
from django.core.management.base import CommandParser

from curation.management.console import OdiaCommand, ProgressLine
from curation.models import Application
from curation.sample.generator import generate
from curation.sample.log import sample_log
from curation.sample.users import talk
from curation.sample.wire import MODEL
from curation.services.applications import application_ensure, teacher_set
from curation.services.imports import import_traffic
from training.services.keys import key_create, key_revoke
from training.services.loop import run_loop

SLUG = "music-assistant"
QUERIES = 20_000
USERS_QUERIES = 400
LOADED_WITHIN_SECONDS = 30.0


class Command(OdiaCommand):
    help = "Load the simulated sample application, and run the loop once if it has not been run."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--teacher-url", required=True, metavar="URL", help="where the sample teacher answers")

    def run(self, **options: Any) -> dict[str, Any]:
        application = application_ensure(
            slug=SLUG,
            name="Music assistant (simulated)",
            description="A simulated application with simulated users and a simulated teacher.",
        )
        teacher_set(application=application, base_url=options["teacher_url"], model=MODEL)
        if application.promotions.exists():
            return {"application": SLUG, "promoted": True}
        line = ProgressLine()
        if not application.clusterings.exists():
            _import(application, line)
        result = run_loop(
            application=application,
            approve="policy",
            config={},
            promote_student=True,
            watch=lambda phase, fraction, message="": line(f"{fraction:4.0%} {phase} {message}"),
        )
        routes = _talk(application, line) if result.promoted else {}
        line.done()
        return {
            "application": SLUG,
            "promoted": result.promoted,
            "needs": result.needs,
            "seconds": result.seconds,
            "routes": routes,
        }


def _import(application: Application, line: ProgressLine) -> None:
    """The sample comes in as any log does. It ends at the hour of creation, so that a second try is the same log."""
    end = application.created_at.replace(minute=0, second=0, microsecond=0).astimezone(UTC)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sample.jsonl"
        with path.open("w", encoding="utf-8") as file:
            for record in sample_log(queries=QUERIES, end=end):
                file.write(json.dumps(record) + "\n")
        import_traffic(
            application=application,
            path=path,
            log_format="openai",
            on_error=lambda error: line(f"line {error.line}: {error.sentence}"),
            on_batch=lambda report: line(f"{report.accepted} queries of the sample loaded"),
        )


def _talk(application: Application, line: ProgressLine) -> dict[str, int]:
    """Simulated users meet the new champion, so that the overview has something to show."""
    line("The simulated users talk to the gateway")
    api_key, key = key_create(application=application, label="simulated users")
    queries = generate(seed=application.pk, queries=USERS_QUERIES, days=1, end=datetime.now(UTC))
    try:
        _wait_until_loaded(application)
        return dict(asyncio.run(talk(settings.GATEWAY_URL, key, queries)))
    except httpx.HTTPError as error:
        line(f"The gateway did not answer the simulated users: {error}")
        return {}
    finally:
        key_revoke(key=api_key)


def _wait_until_loaded(application: Application) -> None:
    """The gateway hears of a promotion within two seconds, and of the new key with it."""
    deadline = time.monotonic() + LOADED_WITHIN_SECONDS
    while time.monotonic() < deadline:
        time.sleep(1)
        state = httpx.get(f"{settings.GATEWAY_URL.removesuffix('/v1')}/readyz").json()["students"]
        if state.get(application.slug, "").endswith("answers"):
            return
