"""Jobs started from pages and the admin console: an evaluation, a run, and any of them once more."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib.auth.models import User

from curation import tasks as curation_tasks
from curation.errors import OdiaError
from curation.models import Job
from curation.models.jobs import JobKind, Trigger
from curation.services.jobs import job_hand_over
from training import tasks
from training.models import Dataset, DistillationRun, Student
from training.services.runs import run_create, run_resume


def start_evaluation(*, student: Student, trigger: Trigger, user: User | None = None) -> Job:
    """Have a student evaluated.

    Raises:
        OdiaError: it is under way already, or the broker does not answer.
    """
    return curation_tasks.start_job(
        task=tasks.evaluate,
        application=student.application,
        kind=JobKind.EVALUATE,
        trigger=trigger,
        user=user,
        parameters={"student": student.pk},
    )


def start_run(*, dataset: Dataset, trigger: Trigger, user: User | None = None) -> DistillationRun:
    """Have a student distilled with the default settings.

    Raises:
        OdiaError: as `run_create`, or the broker does not answer.
    """
    run = run_create(dataset=dataset, trigger=trigger, user=user)
    job_hand_over(job=run.job, send=partial(tasks.distil.delay_on_commit, run.pk))  # type: ignore[attr-defined]
    return run


def permission_to_start(job: Job) -> str:
    """Which permission it takes to start a job like this one."""
    return AGAIN[JobKind(job.kind)][0] if job.kind in AGAIN else "approve"


def job_again(*, job: Job, trigger: Trigger, user: User | None = None) -> None:
    """Start the work of a job that has ended once more, as a new job.

    Raises:
        OdiaError: it has not ended, is of a kind that is not repeated from here, or is under way again already.
    """
    if not job.ended:
        raise OdiaError(f"{job.get_kind_display()}: it has not ended yet.")
    if job.kind not in AGAIN:
        raise OdiaError(f"{job.get_kind_display()}: start it where its input is chosen.")
    AGAIN[JobKind(job.kind)][1](job, trigger, user)


def _again(task: Any, job: Job, trigger: Trigger, user: User | None) -> None:
    curation_tasks.start_job(
        task=task,
        application=job.application,
        kind=JobKind(job.kind),
        trigger=trigger,
        user=user,
        parameters=job.parameters,
    )


def _run_again(job: Job, trigger: Trigger, user: User | None) -> None:
    run = run_resume(run=DistillationRun.objects.get(job=job), trigger=trigger, user=user)
    job_hand_over(job=run.job, send=partial(tasks.distil.delay_on_commit, run.pk))  # type: ignore[attr-defined]


AGAIN: dict[JobKind, tuple[str, Callable[[Job, Trigger, User | None], None]]] = {
    JobKind.CLUSTER: ("review", partial(_again, curation_tasks.cluster)),
    JobKind.BUILD: ("review", partial(_again, tasks.build)),
    JobKind.EVALUATE: ("approve", partial(_again, tasks.evaluate)),
    JobKind.DISTIL: ("approve", _run_again),
    JobKind.PURGE: ("administer", partial(_again, curation_tasks.purge)),
}
"""The permission that each kind of work takes, and how it is done once more."""
