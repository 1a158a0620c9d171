"""`manage.py create_key`: a key for an application's requests at the gateway."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from curation.errors import OdiaError
from curation.management.console import OdiaCommand
from curation.services.applications import application_get
from training.services.keys import key_create


class Command(OdiaCommand):
    help = "Make a key with which an application's requests are known at the gateway. It is shown this once."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--application", required=True, metavar="SLUG")
        parser.add_argument("--label", default="", metavar="TEXT", help="who uses it")
        parser.add_argument("--requests-per-minute", type=int, metavar="N", help="at most; no limit if not given")

    def run(self, **options: Any) -> dict[str, Any]:
        limit: int | None = options["requests_per_minute"]
        if limit is not None and limit < 1:
            raise OdiaError("--requests-per-minute must be at least 1.")
        application = application_get(slug=options["application"])
        _, text = key_create(application=application, label=options["label"], requests_per_minute=limit)
        return {"key": text, "application": application.slug}
