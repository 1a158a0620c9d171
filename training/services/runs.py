"""Distillation runs: created and cancelled. What the trainer does with them is in `distillation`."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from curation.errors import OdiaError
from curation.models import Job
from curation.models.jobs import JobKind, Trigger
from curation.services.jobs import job_cancel, job_create
from training.models import Dataset, DistillationRun
from training.models.datasets import DatasetStatus
from training.models.students import Family
from training.selectors.runs import can_resume, continuation_of
from training.students.families import CONFIGS, StudentConfig

NO_BASE = "A causal student needs a base model: name a folder, a hub name or a GGUF file."


@transaction.atomic
def run_create(
    *,
    dataset: Dataset,
    family: str = Family.ENCODER,
    config: dict[str, Any] | None = None,
    trigger: Trigger,
    user: User | None = None,
    based_on: DistillationRun | None = None,
    task: str = "",
) -> DistillationRun:
    """A run that waits for the trainer. `config` holds what differs from the defaults of the family.

    `based_on` is the run whose settings were changed for this one; `task` as for `job_create`.

    Raises:
        OdiaError: the dataset is not approved, a setting is unknown or lacking, or the same run is under way.
    """
    # An approval that is being taken back is waited for.
    dataset = Dataset.objects.select_for_update(of=("self",)).select_related("application").get(pk=dataset.pk)
    if dataset.status != DatasetStatus.APPROVED:
        raise OdiaError(f"Dataset {dataset.version} is a draft; approve it before a student learns from it.")
    settings = settings_of(family, config or {})
    job = job_create(
        application=dataset.application,
        kind=JobKind.DISTIL,
        trigger=trigger,
        user=user,
        parameters={"dataset": dataset.version, "family": family, **settings.as_json()},
        task=task,
    )
    return DistillationRun.objects.create(
        application=dataset.application,
        dataset=dataset,
        job=job,
        family=family,
        config=settings.as_json(),
        based_on=based_on,
    )


@transaction.atomic
def run_resume(*, run: DistillationRun, trigger: Trigger, user: User | None = None, task: str = "") -> DistillationRun:
    """A run that goes on where this one stopped: from its checkpoints, if the trainer still has them.

    Raises:
        OdiaError: it has not stopped, has made its student, is being gone on with, or its dataset is a draft again.
    """
    run = DistillationRun.objects.select_for_update(of=("self",)).select_related("job", "dataset").get(pk=run.pk)
    if not can_resume(run):
        raise OdiaError(f"{_why_not(run)} There is nothing to go on with.")
    later = continuation_of(run)
    if later:
        raise OdiaError(f"Run {later.pk} went on from run {run.pk} already; look at that one.")
    resumed = run_create(
        dataset=run.dataset, family=run.family, config=run.config, trigger=trigger, user=user, based_on=run, task=task
    )
    resumed.curve, resumed.log = run.curve, run.log
    resumed.save(update_fields=["curve", "log"])
    return resumed


def _why_not(run: DistillationRun) -> str:
    if not run.job.ended:
        return f"Run {run.pk} is still under way."
    return f"Run {run.pk} has made its student."


def settings_of(family: str, changes: dict[str, Any]) -> StudentConfig:
    """The configuration of a family with these changes; None leaves a setting as it is.

    Raises:
        OdiaError: the family has no such setting, or lacks one that it needs.
    """
    named = {name: value for name, value in changes.items() if value is not None}
    unknown = named.keys() - {field.name for field in fields(CONFIGS[family])}
    if unknown:
        raise OdiaError(f"A student of the {family} family has no setting {', '.join(sorted(unknown))}.")
    if family == Family.CAUSAL and not named.get("base"):
        raise OdiaError(NO_BASE)
    return CONFIGS[family](**named)


def run_cancel(*, run: DistillationRun, user: User) -> Job:
    """Ask a run to stop; recorded as the cancelling of its job."""
    return job_cancel(job=run.job, user=user)
