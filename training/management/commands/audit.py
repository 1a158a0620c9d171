"""`manage.py audit --application SLUG`: ask the teacher about inline answers, now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from curation.errors import OdiaError
from curation.management.console import OdiaCommand
from curation.services.applications import application_get
from training.services.audits import audit_inline, audits_request

AUDITS = 100


class Command(OdiaCommand):
    help = (
        "Ask the teacher about inline answers of the last day: those that are due, then the newest others. A running "
        "ODIA does so by itself, for the share of them that the policy says."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--application", required=True, metavar="SLUG")
        parser.add_argument("--limit", type=int, default=AUDITS, help=f"ask about N answers at most ({AUDITS})")

    def run(self, **options: Any) -> dict[str, Any]:
        if options["limit"] < 1:
            raise OdiaError("--limit must be at least 1.")
        application = application_get(slug=options["application"])
        audits_request(application=application, number=options["limit"])
        report = audit_inline(application=application, limit=options["limit"], wait=True)
        if report.asked and report.failed == report.asked:
            raise OdiaError(report.problem)
        return report.as_json()

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write(
            f"{result['asked']} asked: {result['agreed']} agreed, {result['disagreed']} differed, "
            f"{result['failed']} failed and stay due, {result['given_up']} were given up."
        )
        for sentence in (result["problem"], *result["switched_off"]):
            if sentence:
                self.stdout.write(sentence)
