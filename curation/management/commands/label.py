"""`manage.py label --application SLUG`: the teacher is asked about queries, within its limits."""

from __future__ import annotations

import argparse
import signal
import threading
from typing import Any

from django.core.management.base import CommandParser

from curation.errors import OdiaError
from curation.management.console import OdiaCommand, ProgressLine
from curation.models import Application
from curation.models.jobs import JobState, Trigger
from curation.models.labelling import MOST_QUERIES, LabelChoices, Scope
from curation.selectors.labelling import estimate, selected
from curation.services.applications import application_get
from curation.services.asking import teacher_of
from curation.services.jobs import JobCancelled, job_run
from curation.services.labelling import label, label_job_create
from curation.tasks import USUAL_QUERIES


class Command(OdiaCommand):
    help = "Ask the teacher about queries without an answer, or again, within the limits that its settings name."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--application", required=True, metavar="SLUG")
        parser.add_argument("--scope", choices=Scope.values, default=Scope.UNANSWERED.value)
        parser.add_argument("--limit", type=_count, default=USUAL_QUERIES, metavar="N", help="of the newest queries")
        parser.add_argument("--samples", type=_count, default=3, metavar="K", help="answers each, with --scope again")
        parser.add_argument("--temperature", type=float, metavar="T", help="with --scope again")
        parser.add_argument("--dry-run", action="store_true", help="only say what it would take")

    def run(self, **options: Any) -> dict[str, Any]:
        application = application_get(slug=options["application"])
        teacher, _ = teacher_of(application)
        wanted = {name: options[name] for name in ("limit", "samples", "temperature")}
        choices = selected(application, scope=Scope(options["scope"]), **wanted)
        if choices is None:
            return {"queries": 0, "requests": 0}
        cost = estimate(teacher, choices)
        planned = {
            "queries": choices.queries,
            "requests": cost.requests,
            "estimated_tokens": cost.tokens,
            "estimated_money": float(cost.money),
            "estimated_seconds": round(cost.duration.total_seconds()),
            "within_budget": cost.within_budget,
        }
        if options["dry_run"]:
            return planned
        return planned | _done(application, choices)


def _done(application: Application, choices: LabelChoices) -> dict[str, Any]:
    """In this process, as a job that the pages show. Ctrl-C is heard at the next report: at once, requests under way
    would keep the process from ending."""
    job = label_job_create(application=application, choices=choices, trigger=Trigger.COMMAND)
    progress, stop = ProgressLine(), threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: stop.set())

    def watch(phase: str, fraction: float, message: str = "") -> None:
        if stop.is_set():
            raise JobCancelled
        progress(message)

    try:
        job_run(job=job, work=lambda report: label(job=job, report=report), watch=watch)
    finally:
        signal.signal(signal.SIGINT, before)
    progress.done()
    if job.state != JobState.DONE:
        raise OdiaError(job.message)
    return dict(job.result)


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= MOST_QUERIES:
        raise argparse.ArgumentTypeError(f"{number} is not between 1 and {MOST_QUERIES:,}")
    return number
