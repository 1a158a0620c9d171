"""`manage.py import_traffic FILE --application SLUG`: a log file becomes traffic."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from curation.errors import OdiaError
from curation.management.console import OdiaCommand, ProgressLine
from curation.management.logs import ErrorLines, add_log_arguments, check_log_options
from curation.services.applications import application_ensure, tool_set_ensure
from curation.services.imports import ImportReport, import_traffic


class Command(OdiaCommand):
    help = "Import a log of queries with the teacher's answers."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_log_arguments(parser)
        parser.add_argument("--application", required=True, metavar="SLUG")

    def run(self, **options: Any) -> dict[str, Any]:
        tools = check_log_options(options)
        application = application_ensure(slug=options["application"])
        if tools:
            tool_set_ensure(application=application, tools=tools)
        elif options["format"] == "pairs":
            raise OdiaError("A log of pairs does not say which tools were offered: name them with --tools.")
        progress = ProgressLine()
        report = import_traffic(
            application=application,
            path=options["file"],
            log_format=options["format"],
            tools=tools,
            on_error=ErrorLines(self),
            on_batch=lambda sums: progress(_sentence(sums)),
        )
        progress.done()
        return report.as_json()

    def show(self, result: dict[str, Any]) -> None:
        report = ImportReport(**result)
        self.stdout.write(_sentence(report))
        for reason, count in report.reasons.items():
            self.stdout.write(f"  rejected {count}: {reason}")


def _sentence(report: ImportReport) -> str:
    return (
        f"{report.read} lines read: {report.accepted} new queries, {report.duplicate} known already, "
        f"{report.rejected} rejected, {report.seconds:.1f} s"
    )
