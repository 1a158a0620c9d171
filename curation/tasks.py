"""Celery tasks: load the row, call the service."""

from __future__ import annotations

from celery import shared_task

from curation.models import Job
from curation.services.jobs import job_run, jobs_fail_lost


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
def fail_lost_jobs() -> None:
    """Fail the jobs whose process died. The schedule runs it every half minute."""
    jobs_fail_lost()
