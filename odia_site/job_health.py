"""What the doctor tells of jobs and of the schedule: stuck, failed, overdue."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from curation.models import Application, Job
from curation.models.jobs import JobState
from curation.selectors.jobs import failed_since
from odia_site.celery import app as celery_app
from odia_site.findings import START, Finding

SILENT = timedelta(minutes=1)
"""Within it, a job whose process died has been taken up again."""
OVERDUE = timedelta(minutes=10)
BEAT_LATE = timedelta(minutes=2)
"""Beat sends something every ten seconds."""
NAMED = 3
"""So many jobs are told of one by one."""


def examine_jobs(*, served: Collection[str]) -> list[Finding]:
    """Those that are stuck, failed in the last day, or wait for long. `served`: the queues whose workers answer."""
    now = timezone.now()
    jobs = Job.objects.select_related("application").order_by("-pk")
    return [
        _stuck(list(jobs.filter(state=JobState.RUNNING, heartbeat_at__lt=now - SILENT))),
        _failed([job for application in Application.objects.all() for job in failed_since(application, days=1)]),
        _waiting(jobs.filter(state=JobState.QUEUED), now, served),
    ]


def _stuck(jobs: Sequence[Job]) -> Finding:
    if not jobs:
        return Finding("jobs that run", True, "All were heard of in the last minute.")
    sentence = (
        f"Not heard of for a minute: {_named(jobs)}. A worker for the queue `io` and beat take them up again; {START}."
    )
    return Finding("jobs that run", False, sentence)


def _failed(jobs: Sequence[Job]) -> Finding:
    if not jobs:
        return Finding("jobs that failed", True, "None in the last day that was not made good since.")
    sentence = f"{len(jobs)} failed in the last day: {_named(jobs, why=True)} Start them again on the jobs page."
    return Finding("jobs that failed", False, sentence)


def _waiting(jobs: QuerySet[Job], now: datetime, served: Collection[str]) -> Finding:
    overdue = list(jobs.filter(created_at__lt=now - OVERDUE))
    if not overdue:
        return Finding("jobs that wait", True, f"{jobs.count()} wait.")
    minutes = OVERDUE.seconds // 60
    if left := [job for job in overdue if _queue_of(job) not in served]:
        queues = ", ".join(f"`{queue}`" for queue in sorted({_queue_of(job) for job in left}))
        sentence = f"No worker for {queues} takes what waits for {minutes} minutes: {_named(left)}; {START}."
        return Finding("jobs that wait", False, sentence)
    sentence = f"{len(overdue)} wait for more than {minutes} minutes, behind others: {_named(overdue)}."
    return Finding("jobs that wait", True, sentence)


def _queue_of(job: Job) -> str:
    """In which its task waits for a worker."""
    queue: str = celery_app.amqp.router.route({}, job.task)["queue"].name
    return queue


def examine_beat() -> Finding:
    """Whether beat runs, and whether each piece of scheduled work was sent when it was due."""
    tasks = PeriodicTask.objects.filter(enabled=True).select_related("interval", "crontab")
    last = max((task.last_run_at for task in tasks if task.last_run_at), default=None)
    if last is None or last < timezone.now() - BEAT_LATE:
        when = f"sent nothing since {last:%Y-%m-%d %H:%M} UTC" if last else "has sent nothing yet"
        return Finding("schedule", False, f"The process beat {when}; {START}, or `celery -A odia_site beat`.")
    if late := [task.name for task in tasks if _late(task)]:
        sentence = f"Overdue: {', '.join(late)}. Look at log/beat.log in {settings.DATA_DIR}."
        return Finding("schedule", False, sentence)
    return Finding("schedule", True, f"Beat runs; {len(tasks)} pieces of work are on the schedule.")


def _late(task: PeriodicTask) -> bool:
    """Whether it should have been sent again two minutes ago. What was never sent counts from its last change."""
    since = task.last_run_at or task.date_changed
    return task.schedule.remaining_estimate(since) < -BEAT_LATE


def _named(jobs: Sequence[Job], *, why: bool = False) -> str:
    """The first by name, each with its sentence if `why`."""
    names = [
        f"{job.application.slug}: {job.get_kind_display().lower()} #{job.pk}{f' ({job.message})' if why else ''}"
        for job in jobs[:NAMED]
    ]
    more = len(jobs) - len(names)
    return "; ".join(names) + (f"; and {more} more" if more else "") + ("." if why else "")
