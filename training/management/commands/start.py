"""`manage.py start KIND --application SLUG`: work as its button and the schedule start it, left to the workers."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.urls import reverse

from curation.management.console import OdiaCommand
from curation.models.jobs import JobKind, Trigger
from curation.services.applications import application_get
from training.starting import STARTS


class Command(OdiaCommand):
    help = "Start a job with the usual choices, as the schedule does. The workers do it; this command does not wait."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("kind", choices=[kind.value for kind in STARTS])
        parser.add_argument("--application", required=True, metavar="SLUG")

    def run(self, **options: Any) -> dict[str, Any]:
        application = application_get(slug=options["application"])
        job = STARTS[JobKind(options["kind"])](application=application, trigger=Trigger.COMMAND)
        return {
            "application": application.slug,
            "job": job.pk,
            "kind": job.kind,
            "message": job.message,
            "page": f"{reverse('jobs')}#job-{job.pk}",
        }

    def show(self, result: dict[str, Any]) -> None:
        what = JobKind(result["kind"]).label
        self.stdout.write(f"{what}: job {result['job']} waits for a worker. {result['page']} shows how far it is.")
        if result["message"]:
            self.stdout.write(result["message"])
