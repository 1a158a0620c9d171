"""`manage.py run_loop --application SLUG`: the loop once, from traffic to promotion."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from curation.errors import OdiaError
from curation.management.console import OdiaCommand, ProgressLine
from curation.services.applications import application_get
from training.models.build_choices import MOST_EXAMPLES
from training.models.students import Family
from training.services.loop import run_loop


class Command(OdiaCommand):
    help = "Run the loop once: cluster, approve, build, distil, evaluate, promote."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--application", required=True, metavar="SLUG")
        parser.add_argument("--approve", choices=["policy", "none"], default="none")
        parser.add_argument("--family", choices=Family.values, default=Family.ENCODER)
        parser.add_argument("--base", metavar="PATH", help="base model: a folder, a hub name (causal) or a GGUF file")
        parser.add_argument("--layers", type=int, help="of the encoder")
        parser.add_argument("--epochs", type=int)
        parser.add_argument("--limit", type=int, default=MOST_EXAMPLES, help="use only the newest N distinct queries")
        parser.add_argument("--promote", action="store_true", help="promote the student if every check passes")

    def run(self, **options: Any) -> dict[str, Any]:
        if options["limit"] < 1:
            raise OdiaError("--limit must be at least 1.")
        line = ProgressLine()
        result = run_loop(
            application=application_get(slug=options["application"]),
            approve=options["approve"],
            family=options["family"],
            config={name: options[name] for name in ("base", "layers", "epochs")},
            limit=options["limit"],
            promote_student=options["promote"],
            watch=lambda phase, fraction, message="": line(f"{fraction:4.0%} {phase} {message}"),
        )
        line.done()
        return result.as_json()

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write(
            f"{result['approved']} of {result['clusters']} clusters approved; dataset {result['dataset'] or 'none'}; "
            f"student {result['student'] or 'none'}; {result['seconds']:.0f} s"
        )
        for check in result["checks"]:
            self.stdout.write(f"  {'passed' if check['passed'] else 'FAILED'}  {check['name']}: {check['sentence']}")
        self.stdout.write("Promoted." if result["promoted"] else result["needs"])
