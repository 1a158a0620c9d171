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
from training.students.encoder.config import EncoderConfig


@transaction.atomic
def run_create(
    *, dataset: Dataset, config: dict[str, Any] | None = None, trigger: Trigger, user: User | None = None
) -> DistillationRun:
    """A run that waits for the trainer. `config` holds what differs from the defaults of `EncoderConfig`.

    Raises:
        OdiaError: the dataset is not approved, a setting is unknown, or the same run is under way.
    """
    if dataset.status != DatasetStatus.APPROVED:
        raise OdiaError(f"Dataset {dataset.version} is a draft; approve it before a student learns from it.")
    changes = {name: value for name, value in (config or {}).items() if value is not None}
    unknown = changes.keys() - {field.name for field in fields(EncoderConfig)}
    if unknown:
        raise OdiaError(f"An encoder has no setting {', '.join(sorted(unknown))}.")
    job = job_create(
        application=dataset.application,
        kind=JobKind.DISTIL,
        trigger=trigger,
        user=user,
        parameters={"dataset": dataset.version, **changes},
    )
    return DistillationRun.objects.create(
        application=dataset.application,
        dataset=dataset,
        job=job,
        family=Family.ENCODER,
        config=EncoderConfig(**changes).as_json(),
    )


def run_cancel(*, run: DistillationRun) -> Job:
    """Ask a run to stop."""
    return job_cancel(job=run.job)
