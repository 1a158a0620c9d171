"""Reads of the run pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from curation.models import Application, Job
from curation.models.jobs import JobState
from curation.selectors.jobs import UNDER_WAY
from training.models import Dataset, DistillationRun, Evaluation
from training.students.memory import highest

RUNS_PER_PAGE = 50
LINES_SHOWN = 300


@dataclass(frozen=True, slots=True)
class RunPage:
    """Some runs, the newest first; `before` continues the list, None at its end."""

    rows: list[DistillationRun]
    before: int | None


@dataclass(frozen=True, slots=True)
class SettingChange:
    """A setting that one run has otherwise than another."""

    name: str
    before: str
    after: str


def runs_of(application: Application) -> QuerySet[DistillationRun]:
    """An application's runs, the newest first, with their students' latest figures on their datasets."""
    latest = Evaluation.objects.filter(student__run=OuterRef("pk"), dataset=OuterRef("dataset")).order_by("-id")
    return (
        DistillationRun.objects.filter(application=application)
        .select_related("job__started_by", "dataset", "student")
        .defer("curve", "log")
        .annotate(figures=Subquery(latest.values("figures")[:1]), evaluation_id=Subquery(latest.values("pk")[:1]))
    )


def runs_page(application: Application, *, dataset: int = 0, before: int = 0) -> RunPage:
    """The runs before the key `before`, all or those on one dataset."""
    wanted = {"dataset": dataset, "pk__lt": before}
    rows = runs_of(application).filter(**{name: value for name, value in wanted.items() if value})
    found = list(rows[: RUNS_PER_PAGE + 1])
    shown = found[:RUNS_PER_PAGE]
    return RunPage(shown, shown[-1].pk if len(found) > RUNS_PER_PAGE else None)


def settings_said(run: DistillationRun) -> dict[str, str]:
    """What a run learns from and how, each in a word or two."""
    return said(run.dataset.version, run.family, run.config)


def said(dataset: int, family: str, config: dict[str, Any]) -> dict[str, str]:
    settings = {name.replace("_", " "): _word(name, value) for name, value in config.items()}
    return {"dataset": str(dataset), "family": family, **settings}


def changes(before: dict[str, str], after: dict[str, str]) -> list[SettingChange]:
    """The settings that differ, in their order."""
    names = dict.fromkeys([*before, *after])
    both = [SettingChange(name, before.get(name, "–"), after.get(name, "–")) for name in names]
    return [change for change in both if change.before != change.after]


def latest_done(application: Application) -> DistillationRun | None:
    """The latest run that made a student: how long it took tells how long the next one takes."""
    done = DistillationRun.objects.filter(application=application, job__state=JobState.DONE)
    return done.select_related("job", "dataset").defer("curve", "log").order_by("-id").first()


def learned_from(dataset: Dataset) -> bool:
    """Whether there is a student of a dataset, or will be one."""
    return dataset.runs.filter(Q(student__isnull=False) | Q(job__state__in=UNDER_WAY)).exists()


def log_end(run: DistillationRun) -> tuple[str, int]:
    """The last lines of a run's log, and how many there are before them."""
    lines = run.log.splitlines()
    return "\n".join(lines[-LINES_SHOWN:]), max(len(lines) - LINES_SHOWN, 0)


def continuation_of(run: DistillationRun) -> DistillationRun | None:
    """The run that went on where this one stopped."""
    later = DistillationRun.objects.filter(based_on=run, dataset=run.dataset_id, family=run.family, config=run.config)
    return later.defer("curve", "log").order_by("-id").first()


def can_resume(run: DistillationRun) -> bool:
    """Whether a run stopped before it made its student."""
    return run.job.state in (JobState.FAILED, JobState.CANCELLED) and not hasattr(run, "student")


def peak_memory(run: DistillationRun, name: str) -> float | None:
    """The most megabytes that a run took, as its student says; before there is one, took so far."""
    peak: float | None = run.student.report.get(name) if hasattr(run, "student") else highest(run.curve, name)
    return peak


def duration(job: Job) -> timedelta | None:
    """How long a job has run, or ran."""
    if job.started_at is None:
        return None
    return (job.finished_at or timezone.now()) - job.started_at


def time_left(job: Job) -> timedelta | None:
    """How long a running job still takes if it goes on as fast; None while nobody can know."""
    spent = duration(job)
    if spent is None or job.state != JobState.RUNNING or job.progress < 0.02:
        return None
    return spent * (1 - job.progress) / job.progress


def _word(name: str, value: Any) -> str:
    if value is None:
        return "automatic"
    return "packaged" if name == "base" and not value else str(value)
