"""`manage.py load_sample`: the simulated music assistant, and the loop once over its traffic."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from curation.management.console import OdiaCommand, ProgressLine
from curation.models import Application
from curation.sample.log import sample_log
from curation.sample.wire import MODEL
from curation.services.applications import application_ensure, teacher_set
from curation.services.imports import import_traffic
from training.services.loop import run_loop

SLUG = "music-assistant"


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
        return {"application": SLUG, "promoted": result.promoted, "needs": result.needs, "seconds": result.seconds}


def _import(application: Application, line: ProgressLine) -> None:
    """The sample comes in as any log does. It ends at the hour of creation, so that a second try is the same log."""
    end = application.created_at.replace(minute=0, second=0, microsecond=0).astimezone(UTC)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sample.jsonl"
        with path.open("w", encoding="utf-8") as file:
            for record in sample_log(end=end):
                file.write(json.dumps(record) + "\n")
        import_traffic(
            application=application,
            path=path,
            log_format="openai",
            on_error=lambda error: line(f"line {error.line}: {error.sentence}"),
            on_batch=lambda report: line(f"{report.accepted} queries of the sample loaded"),
        )
