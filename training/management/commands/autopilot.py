"""`manage.py autopilot --application SLUG`: what the autopilot would do now, and doing it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from curation.errors import OdiaError
from curation.management.console import OdiaCommand
from curation.services.applications import application_get
from training.autopilot import autopilot_tick
from training.selectors.autopilot import autopilot_of
from training.services.autopilot_plan import plan


class Command(OdiaCommand):
    help = "Take the autopilot's next steps of an application now. A running ODIA does so by itself every minute."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--application", required=True, metavar="SLUG")
        parser.add_argument("--dry-run", action="store_true", help="only say what it would do and why")

    def run(self, **options: Any) -> dict[str, Any]:
        application = application_get(slug=options["application"])
        enabled = autopilot_of(application).enabled
        if not (enabled or options["dry_run"]):
            raise OdiaError(
                f"The autopilot of {application} is off. Switch it on under Settings, Autopilot, or see with --dry-run "
                "what it would do."
            )
        steps = [one.as_json() for one in plan(application)]
        actions = [] if options["dry_run"] else autopilot_tick(application=application)
        done = [
            {"step": action.step, "asks": action.asks, "sentence": action.sentence, "job": action.job_id}
            for action in actions
        ]
        return {"enabled": enabled, "steps": steps, "done": done}

    def show(self, result: dict[str, Any]) -> None:
        if not result["enabled"]:
            self.stdout.write("The autopilot is off: it would do nothing. If it were on:")
        for step in result["steps"]:
            self.stdout.write(f"  {_word(step):8} {step['step']}: {step['sentence']}")
        for action in result["done"]:
            self.stdout.write(f"{'Asked' if action['asks'] else 'Done'}: {action['sentence']}")


def _word(step: dict[str, Any]) -> str:
    return next((word for word in ("asks", "due", "waiting") if step[word]), "–")
