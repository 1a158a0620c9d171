"""The autopilot's first step: would it ask the teacher now, about which queries, and why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.utils import timezone

from curation.models import Job, Teacher
from curation.models.jobs import JobKind, JobState, Trigger
from curation.models.labelling import LabelChoices, Scope
from curation.selectors.labelling import estimate, selected
from training.models.autopilot import AutopilotStep as Step
from training.selectors.autopilot import Facts, Proposal, ended_of_late

ENOUGH = 100
"""Queries for which the teacher is asked at once; fewer wait until an hour after the last job."""
REASONS = {
    Scope.UNANSWERED: "without an answer",
    Scope.CHANGED: "answered under tools that have changed since",
}
"""What it asks about: the first that there is."""


def label(facts: Facts) -> Iterator[Proposal]:
    """As many as the day's limit leaves, when they are enough or some time has passed; a budget that does not allow
    them is a person's affair."""
    if JobKind.LABEL in facts.kinds_under_way:
        yield Proposal(step=Step.LABEL, sentence="The teacher is being asked.", waiting=True)
        return
    teacher = Teacher.objects.filter(application=facts.application).select_related("application").first()
    if teacher is None:
        yield Proposal(step=Step.LABEL, sentence="The application has no teacher.", waiting=True)
        return
    if ended := _ended_badly(facts.newest_jobs.get(JobKind.LABEL)):
        yield Proposal(step=Step.LABEL, sentence=ended, waiting=True)
        return
    left = facts.autopilot.label_limit - _asked_about_today(facts)
    if left <= 0:
        sentence = f"The day’s limit of {facts.autopilot.label_limit:,} queries is reached."
        yield Proposal(step=Step.LABEL, sentence=sentence, waiting=True)
        return
    found = (selected(facts.application, scope=scope, limit=left) for scope in REASONS)
    choices = next(filter(None, found), None)
    if choices and choices.queries < ENOUGH and ended_of_late(facts.newest_jobs.get(JobKind.LABEL)):
        sentence = f"{choices.queries:,} are too few to ask the teacher again within an hour."
        yield Proposal(step=Step.LABEL, sentence=sentence, waiting=True)
        return
    yield _proposal(teacher, choices)


def _proposal(teacher: Teacher, choices: LabelChoices | None) -> Proposal:
    if choices is None:
        return Proposal(step=Step.LABEL, sentence="Every query that can have one has an answer under the tools of now.")
    cost = estimate(teacher, choices)
    sentence = f"To ask about {choices.queries_in_words} {REASONS[choices.scope]} takes about {cost.tokens:,} tokens."
    if not cost.within_budget:
        month = f"{timezone.now():%Y-%m}"
        sentence = f"{sentence} The teacher’s budget of this month does not allow it. Raise it, or wait for the next."
        return Proposal(step=Step.LABEL, sentence=sentence, asks=True, subject=f"budget {month}", page="labelling")
    subject = f"{choices.scope} {timezone.now():%Y-%m-%d}"
    return Proposal(step=Step.LABEL, sentence=sentence, due=True, on=choices, subject=subject, page="labelling")


def _asked_about_today(facts: Facts) -> int:
    since = timezone.now() - timedelta(days=1)
    jobs = facts.application.jobs.filter(kind=JobKind.LABEL, trigger=Trigger.AUTOPILOT, created_at__gt=since)
    return sum(_asked_about(job) for job in jobs)


def _asked_about(job: Job) -> int:
    """How many queries a job asked about; one that was not done, as far as it came."""
    if job.state == JobState.DONE:
        return int(job.result["answered"] + job.result["unusable"])
    return round(job.parameters["queries"] * (job.progress if job.ended else 1.0))


def _ended_badly(job: Job | None) -> str:
    """Why the teacher is left alone for now; empty if nothing speaks against asking."""
    if job is None or not ended_of_late(job):
        return ""
    if job.state in (JobState.FAILED, JobState.CANCELLED):
        return f"The last time, it ended early: {job.message} It is tried again an hour after."
    return str(job.result.get("stopped", "")) if job.state == JobState.DONE else ""
