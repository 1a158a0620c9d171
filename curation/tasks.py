"""Celery tasks: load the row, call the service. And how a job of one of them is started."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from billiard.exceptions import WorkerLostError
from celery import current_app, shared_task
from celery.contrib.django.task import DjangoTask
from django.contrib.auth.models import User
from django.db import InterfaceError, transaction
from django.db import OperationalError as DatabaseAway
from django.db.models import QuerySet
from kombu.exceptions import OperationalError as BrokerError

from curation.errors import NothingToDo, OdiaError
from curation.models import Application, Job
from curation.models.jobs import JobKind, Trigger
from curation.models.labelling import LabelChoices, Scope
from curation.selectors.labelling import selected
from curation.services import labelling
from curation.services.jobs import (
    DATABASE_AWAY,
    job_create,
    job_create_unstarted,
    job_fail_unbegun,
    job_mark_sent,
    job_mark_unsent,
    job_run,
    jobs_recover,
)
from curation.services.retention import KEEPS_ALL, queries_purge

logger = logging.getLogger(__name__)

USUAL_QUERIES = 2000
"""That a labelling job is about, where nobody says how many."""


class JobTask(DjangoTask):
    """The task of a job, whose key it takes. While the broker is away, the job waits for the sweep to send it."""

    def delay_on_commit(self, job_id: int) -> None:  # type: ignore[override]
        """Queue it as soon as the job's row can be seen; raises nothing."""
        transaction.on_commit(partial(self.send, job_id))

    def send(self, job_id: int) -> None:
        """Queue it now, or note in the job's row that the broker is away."""
        job_mark_sent(pk=job_id)
        try:
            self.delay(job_id)
        except (BrokerError, OSError) as error:
            logger.warning("Job %s waits for the broker: %s", job_id, error)
            job_mark_unsent(pk=job_id)

    def on_failure(self, exc: Exception, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        """What breaks off before the job is begun would leave it waiting; after a fault of the database's it shall."""
        if not args or isinstance(exc, WorkerLostError):
            return
        if isinstance(exc, DatabaseAway | InterfaceError):
            job_mark_unsent(pk=args[0], message=DATABASE_AWAY)
        else:
            job_fail_unbegun(pk=args[0], error=exc)


def start_job(
    *,
    task: Any,
    application: Application,
    kind: JobKind,
    trigger: Trigger,
    user: User | None = None,
    parameters: dict[str, Any] | None = None,
) -> Job:
    """Create a job and queue its `task`, a `JobTask`. Where the broker is away, the job waits for it.

    Raises:
        NothingToDo: the same job is under way already.
    """
    job = job_create(
        application=application, kind=kind, trigger=trigger, user=user, parameters=parameters, task=task.name
    )
    task.delay_on_commit(job.pk)
    job.refresh_from_db()
    return job


def send_again(job: Job) -> None:
    """Queue the task of a job that waits."""
    task = current_app.tasks.get(job.task)
    if task is None:
        logger.warning("Job %s waits for a worker that knows the task %s.", job.pk, job.task)
    else:
        task.send(job.pk)  # type: ignore[attr-defined]


def start_clustering(*, application: Application, trigger: Trigger, user: User | None = None) -> Job:
    """Have the traffic of an application clustered; raises as `start_job`."""
    return start_job(task=cluster, application=application, kind=JobKind.CLUSTER, trigger=trigger, user=user)


def start_purge(*, application: Application, trigger: Trigger, user: User | None = None) -> Job:
    """Have the old queries of an application deleted.

    Raises:
        OdiaError: it keeps everything, or as `start_job`.
    """
    if application.keep_days is None:
        raise OdiaError(KEEPS_ALL)
    return start_job(task=purge, application=application, kind=JobKind.PURGE, trigger=trigger, user=user)


def start_labelling(
    *, application: Application, choices: LabelChoices, trigger: Trigger, user: User | None = None
) -> Job:
    """Have the teacher asked about queries; raises as `label_job_create`."""
    job = labelling.label_job_create(
        application=application, choices=choices, trigger=trigger, user=user, task=label.name
    )
    label.delay_on_commit(job.pk)
    job.refresh_from_db()
    return job


def start_newest(
    *,
    application: Application,
    trigger: Trigger,
    user: User | None = None,
    limit: int = USUAL_QUERIES,
) -> Job:
    """Have the teacher asked about the newest queries without an answer.

    Raises:
        NothingToDo: there are none.
        OdiaError: as `start_labelling`.
    """
    choices = selected(application, scope=Scope.UNANSWERED, limit=limit)
    if choices is None:
        raise NothingToDo(f"No query of {application} is without an answer.")
    return start_labelling(application=application, choices=choices, trigger=trigger, user=user)


def start_by_schedule(applications: QuerySet[Application], kind: JobKind, start: Callable[..., Job]) -> None:
    """Start the job of each application because it is time; where that cannot be, a failed job says why."""
    for application in applications:
        try:
            start(application=application, trigger=Trigger.SCHEDULE)
        except NothingToDo as reason:
            logger.info("The schedule leaves %s alone: %s", application.slug, reason)
        except OdiaError as error:
            job_create_unstarted(application=application, kind=kind, reason=str(error))


@shared_task(base=JobTask)
def cluster(job_id: int) -> None:
    """Cluster the traffic of the job's application."""
    # Pages import this module to queue tasks, and must not load the libraries of machine learning.
    from curation.services.clustering import cluster_traffic

    job = Job.objects.select_related("application").get(pk=job_id)
    job_run(
        job=job,
        work=lambda report: {"clustering": cluster_traffic(application=job.application, report=report).pk},
    )


@shared_task(base=JobTask)
def label(job_id: int) -> None:
    """Ask the teacher about the queries that the job names. Runs in the queue `io`."""
    job = Job.objects.select_related("application").get(pk=job_id)
    job_run(job=job, work=lambda report: labelling.label(job=job, report=report))


@shared_task(base=JobTask)
def purge(job_id: int) -> None:
    """Delete the queries of the job's application that are older than it keeps them."""
    job = Job.objects.select_related("application").get(pk=job_id)
    job_run(job=job, work=lambda report: queries_purge(application=job.application, report=report))


@shared_task
def cluster_scheduled(application_id: int) -> None:
    """Have an application's traffic clustered because the schedule says so."""
    start_by_schedule(Application.objects.filter(pk=application_id), JobKind.CLUSTER, start_clustering)


@shared_task
def label_scheduled(application_id: int) -> None:
    """Have the teacher asked about an application's queries without an answer because the schedule says so."""
    start_by_schedule(Application.objects.filter(pk=application_id), JobKind.LABEL, start_newest)


@shared_task
def purge_scheduled() -> None:
    """Have the old queries of every application deleted that keeps them for a time only. Runs every night."""
    start_by_schedule(Application.objects.filter(keep_days__isnull=False), JobKind.PURGE, start_purge)


@shared_task
def recover_jobs() -> None:
    """Take up the jobs whose process died and those that no worker heard of. The schedule runs it every few seconds."""
    jobs_recover(send=send_again)
