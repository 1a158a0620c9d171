"""What the commands that read a log file share: their options, and the bad lines told to a person."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from curation.errors import OdiaError
from curation.logs.records import LineError

SHOWN_ERRORS = 20


def add_log_arguments(parser: CommandParser) -> None:
    parser.add_argument("file", type=Path)
    parser.add_argument("--tools", type=Path, metavar="TOOLS.json", help="the tool set of a log of pairs")
    parser.add_argument("--format", choices=["auto", "openai", "pairs", "otel"], default="auto")


def check_log_options(options: dict[str, Any]) -> list[dict[str, Any]] | None:
    """The tools that `--tools` names, if any.

    Raises:
        OdiaError: the log or the tools cannot be read.
    """
    if options["format"] == "otel":
        raise OdiaError("Logs of the format otel cannot be read yet; export them as openai or pairs.")
    if not options["file"].is_file():
        raise OdiaError(f"There is no file {options['file']}.")
    return _read_tools(options["tools"]) if options["tools"] else None


class ErrorLines:
    """Writes the first bad lines to standard error, each with its number and what is wrong with it."""

    def __init__(self, command: BaseCommand) -> None:
        self._command = command
        self._count = 0

    def __call__(self, error: LineError) -> None:
        self._count += 1
        if self._count <= SHOWN_ERRORS:
            self._command.stderr.write(f"line {error.line}: {error.sentence}")
        elif self._count == SHOWN_ERRORS + 1:
            self._command.stderr.write("Further bad lines are only counted.")


def _read_tools(path: Path) -> list[dict[str, Any]]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OdiaError(f"The tool set {path} cannot be read: {error}") from error
