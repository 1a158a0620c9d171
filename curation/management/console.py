"""What the commands share: one sentence on failure, progress, and the JSON line at the end."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError

from curation.errors import OdiaError

LINE_EVERY_SECONDS = 5.0
NOT_RUNNING = (
    "The database cannot be reached. Start ODIA with `make up` (or `manage.py up`), or set DATABASE_URL "
    "and ODIA_DATA_DIR to where it runs."
)


class OdiaCommand(BaseCommand):
    """A command that ends with one JSON line under --json; everything else goes to standard error then."""

    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            result = self.run(**options)
        except OdiaError as error:
            raise CommandError(str(error)) from error
        except OperationalError as error:
            raise CommandError(NOT_RUNNING) from error
        except KeyboardInterrupt:
            raise CommandError("Stopped.") from None
        if options["json"]:
            self.stdout.write(json.dumps(result, ensure_ascii=False))
        else:
            self.show(result)

    def run(self, **options: Any) -> dict[str, Any]:
        """Do the work; returns what --json prints."""
        raise NotImplementedError

    def show(self, result: dict[str, Any]) -> None:
        """Print the result for a person."""
        for name, value in result.items():
            self.stdout.write(f"{name}: {value}")


class ProgressLine:
    """A line that is redrawn on a terminal, and written every few seconds elsewhere."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._last = 0.0
        self._width = 0

    def __call__(self, text: str) -> None:
        now = time.monotonic()
        if self._terminal:
            sys.stderr.write(f"\r{text.ljust(self._width)}")
            self._width = len(text)
        elif now - self._last >= LINE_EVERY_SECONDS:
            self._last = now
            sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    def done(self) -> None:
        if self._terminal and self._width:
            sys.stderr.write("\n")
