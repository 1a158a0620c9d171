"""`manage.py forget`: delete everything that one user has said."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from curation.errors import OdiaError
from curation.management.console import OdiaCommand
from curation.models.jobs import JobState
from curation.services.applications import application_get
from training.services.forgetting import forget_now


class Command(OdiaCommand):
    help = "Delete everything that one user of an application has said, in datasets and evaluations too."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--application", required=True, metavar="SLUG")
        parser.add_argument("--user", required=True, metavar="ID", help="as the application sends it")

    def run(self, **options: Any) -> dict[str, Any]:
        application = application_get(slug=options["application"])
        job = forget_now(application=application, client_id=options["user"])
        if job.state != JobState.DONE:
            raise OdiaError(job.message)
        return {"application": application.slug, "job": job.pk, **job.result}
