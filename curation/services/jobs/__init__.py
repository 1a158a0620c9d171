"""Jobs: created, sent to the workers, run with their progress in the database, found again when their process dies."""

from curation.services.jobs.lifecycle import (
    BROKER_AWAY,
    DATABASE_AWAY,
    job_cancel,
    job_create,
    job_create_unstarted,
    job_fail_unbegun,
    job_mark_sent,
    job_mark_unsent,
)
from curation.services.jobs.recovery import MOST_ATTEMPTS, SILENT_SECONDS, jobs_recover
from curation.services.jobs.running import JobCancelled, Report, job_run, jobs_interrupt

__all__ = [
    "BROKER_AWAY",
    "DATABASE_AWAY",
    "MOST_ATTEMPTS",
    "SILENT_SECONDS",
    "JobCancelled",
    "Report",
    "job_cancel",
    "job_create",
    "job_create_unstarted",
    "job_fail_unbegun",
    "job_mark_sent",
    "job_mark_unsent",
    "job_run",
    "jobs_interrupt",
    "jobs_recover",
]
