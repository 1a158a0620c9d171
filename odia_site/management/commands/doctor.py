"""`manage.py doctor`: what is configured, reachable, migrated, queued and spooled; one line each."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError

from curation.management.console import OdiaCommand
from odia_site.health import examine


class Command(OdiaCommand):
    help = "Examine every part, and say what to do about those that do not work."

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if self.failing:
            raise CommandError(f"{self.failing} of the parts need attention.")

    def run(self, **options: Any) -> dict[str, Any]:
        findings = examine()
        self.failing = sum(not finding.ok for finding in findings)
        return {"ok": not self.failing, "findings": [asdict(finding) for finding in findings]}

    def show(self, result: dict[str, Any]) -> None:
        for finding in result["findings"]:
            self.stdout.write(f"{'ok  ' if finding['ok'] else 'FAIL'}  {finding['name']}: {finding['sentence']}")
