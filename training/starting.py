"""Jobs started: an evaluation, a run, each kind of work with its usual choices, and any of them once more."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib.auth.models import User

from curation import tasks as curation_tasks
from curation.errors import NothingToDo, OdiaError
from curation.models import Application, Job
from curation.models.jobs import JobKind, Trigger
from curation.models.labelling import LabelChoices
from curation.services.forgetting import forgetting_begin
from training import tasks
from training.models import Dataset, DistillationRun, Student
from training.models.datasets import DatasetStatus
from training.models.students import Family
from training.selectors.aliases import champion_of
from training.selectors.runs import learned_from
from training.services.runs import run_create, run_resume


def start_evaluation(*, student: Student, trigger: Trigger, user: User | None = None) -> Job:
    """Have a student evaluated.

    Raises:
        OdiaError: it is under way already.
    """
    return curation_tasks.start_job(
        task=tasks.evaluate,
        application=student.application,
        kind=JobKind.EVALUATE,
        trigger=trigger,
        user=user,
        parameters={"student": student.pk},
    )


def start_run(
    *,
    dataset: Dataset,
    trigger: Trigger,
    user: User | None = None,
    family: str = Family.ENCODER,
    config: dict[str, Any] | None = None,
    based_on: DistillationRun | None = None,
) -> DistillationRun:
    """Have a student distilled; `config` holds what differs from the default settings of its family.

    Raises:
        OdiaError: as `run_create`.
    """
    run = run_create(
        dataset=dataset,
        family=family,
        config=config,
        trigger=trigger,
        user=user,
        based_on=based_on,
        task=tasks.distil.name,
    )
    return _sent(run)


def start_run_as_before(*, dataset: Dataset, trigger: Trigger, user: User | None = None) -> DistillationRun:
    """Have a student distilled with the settings of the champion, or of the newest student where there is none.

    Raises:
        OdiaError: as `run_create`.
    """
    model = champion_of(dataset.application) or dataset.application.students.first()
    settings = {"family": model.family, "config": model.run.config} if model else {}
    return start_run(dataset=dataset, trigger=trigger, user=user, **settings)


def start_distillation(*, application: Application, trigger: Trigger, user: User | None = None) -> Job:
    """Have a student distilled on the newest approved dataset, with the settings of `start_run_as_before`.

    Raises:
        NothingToDo: a student has learned from that dataset already, or is about to.
        OdiaError: no dataset is approved, or as `run_create`.
    """
    dataset = application.datasets.filter(status=DatasetStatus.APPROVED).first()
    if dataset is None:
        raise OdiaError("No dataset is approved yet: build one, and approve it on its page.")
    if learned_from(dataset):
        raise NothingToDo(f"A student has learned from dataset {dataset.version} already, or is about to.")
    return start_run_as_before(dataset=dataset, trigger=trigger, user=user).job


def start_again(*, run: DistillationRun, trigger: Trigger, user: User | None = None) -> DistillationRun:
    """Have a new run go on where this one stopped; raises as `run_resume`."""
    return _sent(run_resume(run=run, trigger=trigger, user=user, task=tasks.distil.name))


def _sent(run: DistillationRun) -> DistillationRun:
    tasks.distil.delay_on_commit(run.job_id)
    run.job.refresh_from_db()
    return run


def start_forgetting(*, application: Application, client_id: str, trigger: Trigger, user: User | None = None) -> Job:
    """Have everything deleted that a user has said. The job names the note of it, never the user.

    Raises:
        OdiaError: as `forgetting_begin`, or the broker does not answer.
    """
    forgotten = forgetting_begin(application=application, client_id=client_id, user=user)
    return curation_tasks.start_job(
        task=tasks.forget,
        application=application,
        kind=JobKind.FORGET,
        trigger=trigger,
        user=user,
        parameters={"deletion": forgotten.pk},
    )


def permission_to_start(job: Job) -> str:
    """Which permission it takes to start a job like this one."""
    return AGAIN[JobKind(job.kind)][0] if job.kind in AGAIN else "approve"


def may_start(*, job: Job, user: User) -> bool:
    """Whether a user may start and stop a job like this one."""
    return user.has_perm(f"curation.{permission_to_start(job)}")


def job_again(*, job: Job, trigger: Trigger, user: User | None = None) -> None:
    """Start the work of a job that has ended once more, as a new job; with the usual choices if it had none yet.

    Raises:
        OdiaError: it has not ended, is of a kind that is not repeated from here, or is under way again already.
    """
    if not job.ended:
        raise OdiaError(f"{job.get_kind_display()}: it has not ended yet.")
    if job.kind not in AGAIN:
        raise OdiaError(f"{job.get_kind_display()}: start it where its input is chosen.")
    if job.unstarted:
        STARTS[JobKind(job.kind)](application=job.application, trigger=trigger, user=user)
        return
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


def _label_again(job: Job, trigger: Trigger, user: User | None) -> None:
    """What was answered since is not asked about again."""
    choices = LabelChoices.from_json(job.parameters)
    curation_tasks.start_labelling(application=job.application, choices=choices, trigger=trigger, user=user)


def _run_again(job: Job, trigger: Trigger, user: User | None) -> None:
    start_again(run=DistillationRun.objects.get(job=job), trigger=trigger, user=user)


STARTS: dict[JobKind, Callable[..., Job]] = {
    JobKind.LABEL: curation_tasks.start_newest,
    JobKind.CLUSTER: curation_tasks.start_clustering,
    JobKind.BUILD: tasks.start_build,
    JobKind.DISTIL: start_distillation,
    JobKind.EVALUATE: tasks.start_live_evaluation,
    JobKind.DRIFT: tasks.start_drift,
    JobKind.PURGE: curation_tasks.start_purge,
}
"""How work is started with the usual choices, as the schedule does."""

AGAIN: dict[JobKind, tuple[str, Callable[[Job, Trigger, User | None], None]]] = {
    JobKind.LABEL: ("approve", _label_again),
    JobKind.CLUSTER: ("review", partial(_again, curation_tasks.cluster)),
    JobKind.BUILD: ("review", partial(_again, tasks.build)),
    JobKind.EVALUATE: ("approve", partial(_again, tasks.evaluate)),
    JobKind.DISTIL: ("approve", _run_again),
    JobKind.DRIFT: ("review", partial(_again, tasks.drift)),
    JobKind.FORGET: ("administer", partial(_again, tasks.forget)),
    JobKind.PURGE: ("administer", partial(_again, curation_tasks.purge)),
}
"""The permission that each kind of work takes, and how it is done once more."""
