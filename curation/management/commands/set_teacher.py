"""`manage.py set_teacher`: name the large model of an application."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from curation.management.console import OdiaCommand
from curation.services.applications import application_get, teacher_set


class Command(OdiaCommand):
    help = "Set the teacher of an application: an OpenAI-compatible API and a model there."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--application", required=True, metavar="SLUG")
        parser.add_argument("--base-url", required=True, metavar="URL", help="ends in /v1 as a rule")
        parser.add_argument("--model", required=True, metavar="NAME")
        parser.add_argument("--api-key-env", default="", metavar="NAME", help="variable that holds the API key")

    def run(self, **options: Any) -> dict[str, Any]:
        teacher = teacher_set(
            application=application_get(slug=options["application"]),
            base_url=options["base_url"],
            model=options["model"],
            api_key_env=options["api_key_env"],
        )
        return {"application": options["application"], "base_url": teacher.base_url, "model": teacher.model}
