"""`manage.py import_traffic FILE --application SLUG`: a log file becomes traffic."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from curation.errors import OdiaError
from curation.logs.records import LineError
from curation.management.console import OdiaCommand, ProgressLine
from curation.services.applications import application_ensure, tool_set_ensure
from curation.services.imports import ImportReport, import_traffic

SHOWN_ERRORS = 20


class Command(OdiaCommand):
    help = "Import a log of queries with the teacher's answers."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path)
        parser.add_argument("--application", required=True, metavar="SLUG")
        parser.add_argument("--tools", type=Path, metavar="TOOLS.json", help="the tool set of a log of pairs")
        parser.add_argument("--format", choices=["auto", "openai", "pairs", "otel"], default="auto")

    def run(self, **options: Any) -> dict[str, Any]:
        if options["format"] == "otel":
            raise OdiaError("Logs of the format otel cannot be read yet; export them as openai or pairs.")
        if not options["file"].is_file():
            raise OdiaError(f"There is no file {options['file']}.")
        tools = _read_tools(options["tools"]) if options["tools"] else None
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
            on_error=_ErrorLines(self),
            on_batch=lambda sums: progress(_sentence(sums)),
        )
        progress.done()
        return report.as_json()

    def show(self, result: dict[str, Any]) -> None:
        report = ImportReport(**result)
        self.stdout.write(_sentence(report))
        for reason, count in report.reasons.items():
            self.stdout.write(f"  rejected {count}: {reason}")


class _ErrorLines:
    """Writes the first bad lines to standard error, each with its number and what is wrong with it."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self._count = 0

    def __call__(self, error: LineError) -> None:
        self._count += 1
        if self._count <= SHOWN_ERRORS:
            self._command.stderr.write(f"line {error.line}: {error.sentence}")
        elif self._count == SHOWN_ERRORS + 1:
            self._command.stderr.write("Further bad lines are only counted.")


def _sentence(report: ImportReport) -> str:
    return (
        f"{report.read} lines read: {report.accepted} new queries, {report.duplicate} known already, "
        f"{report.rejected} rejected, {report.seconds:.1f} s"
    )


def _read_tools(path: Path) -> list[dict[str, Any]]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OdiaError(f"The tool set {path} cannot be read: {error}") from error
