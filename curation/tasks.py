"""Celery tasks: load the row, call the service. And how a job of one of them is started."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from celery import shared_task
from django.contrib.auth.models import User
from django.db.models import QuerySet

from curation.errors import OdiaError
from curation.models import Application, Job
from curation.models.jobs import JobKind, Trigger
from curation.services.jobs import job_create, job_hand_over, job_run, jobs_fail_lost
from curation.services.retention import queries_purge

logger = logging.getLogger(__name__)


def start_job(
    *,
    task: Any,
    application: Application,
    kind: JobKind,
    trigger: Trigger,
    user: User | None = None,
    parameters: dict[str, Any] | None = None,
) -> Job:
    """Create a job and queue its task, which takes the job's key.

    Raises:
        OdiaError: the same job is under way already, or the broker does not answer.
    """
    job = job_create(application=application, kind=kind, trigger=trigger, user=user, parameters=parameters)
    return job_hand_over(job=job, send=partial(task.delay_on_commit, job.pk))


def start_clustering(*, application: Application, trigger: Trigger, user: User | None = None) -> Job:
    """Have the traffic of an application clustered; raises as `start_job`."""
    return start_job(task=cluster, application=application, kind=JobKind.CLUSTER, trigger=trigger, user=user)


def start_purge(*, application: Application, trigger: Trigger, user: User | None = None) -> Job:
    """Have the old queries of an application deleted; raises as `start_job`."""
    return start_job(task=purge, application=application, kind=JobKind.PURGE, trigger=trigger, user=user)


def start_by_schedule(applications: QuerySet[Application], start: Callable[..., Job]) -> None:
    """Start the job of each application because it is time; what is under way already is left alone."""
    for application in applications:
        try:
            start(application=application, trigger=Trigger.SCHEDULE)
        except OdiaError as error:
            logger.info("The schedule leaves %s alone: %s", application.slug, error)


@shared_task
def cluster(job_id: int) -> None:
    """Cluster the traffic of the job's application."""
    # Pages import this module to queue tasks, and must not load the libraries of machine learning.
    from curation.services.clustering import cluster_traffic

    job = Job.objects.select_related("application").get(pk=job_id)
    job_run(
        job=job,
        work=lambda report: {"clustering": cluster_traffic(application=job.application, report=report).pk},
    )


@shared_task
def purge(job_id: int) -> None:
    """Delete the queries of the job's application that are older than it keeps them."""
    job = Job.objects.select_related("application").get(pk=job_id)
    job_run(job=job, work=lambda report: queries_purge(application=job.application, report=report))


@shared_task
def cluster_scheduled(application_id: int) -> None:
    """Have an application's traffic clustered because the schedule says so."""
    start_by_schedule(Application.objects.filter(pk=application_id), start_clustering)


@shared_task
def purge_scheduled() -> None:
    """Have the old queries of every application deleted that keeps them for a time only. Runs every night."""
    start_by_schedule(Application.objects.filter(keep_days__isnull=False), start_purge)


@shared_task
def fail_lost_jobs() -> None:
    """Fail the jobs whose process died. The schedule runs it every half minute."""
    jobs_fail_lost()
