"""Reads of the schedule, in plain language."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Q, QuerySet
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from curation.models import Application
from training.models.schedules import BUILT_IN, Weekday, Work, arguments_of


class ScheduledWork(NamedTuple):
    """One row of the schedule. `next_run` is None where it is switched off."""

    task: PeriodicTask
    label: str
    rhythm: str
    next_run: datetime | None
    built_in: bool


def schedule_of(application: Application) -> list[ScheduledWork]:
    """What the schedule does for an application, its own work first, then what is built in."""
    rows = [_row(task) for task in _tasks(application)]
    return sorted(rows, key=lambda row: (row.built_in, row.label))


def scheduled_task(application: Application, pk: int) -> PeriodicTask | None:
    """One row that administrators may change."""
    return _tasks(application).filter(task__in=Work.values, pk=pk).first()


def in_words(task: PeriodicTask) -> str:
    """How often, as people say it: `every day at 03:30 (Europe/Berlin)`."""
    if task.interval:
        every, period = task.interval.every, task.interval.period
        return f"every {period.removesuffix('s')}" if every == 1 else f"every {every} {period}"
    crontab: CrontabSchedule = task.crontab
    if not (crontab.minute.isdigit() and crontab.hour.isdigit()):
        words = str(crontab.human_readable).removesuffix(f" {crontab.timezone}")
        return f"{words[:1].lower()}{words[1:]} ({crontab.timezone})"
    days = "day" if crontab.day_of_week == "*" else Weekday(crontab.day_of_week).label
    return f"every {days} at {int(crontab.hour):02}:{int(crontab.minute):02} ({crontab.timezone})"


def _tasks(application: Application) -> QuerySet[PeriodicTask]:
    own = Q(task__in=Work.values, kwargs=arguments_of(application))
    return PeriodicTask.objects.filter(own | Q(task__in=BUILT_IN)).select_related("interval", "crontab")


def _row(task: PeriodicTask) -> ScheduledWork:
    label = BUILT_IN.get(task.task) or Work(task.task).label
    return ScheduledWork(task, label, in_words(task), _next_run(task), task.task in BUILT_IN)


def _next_run(task: PeriodicTask) -> datetime | None:
    if not task.enabled:
        return None
    now = timezone.now()
    due, seconds = task.schedule.is_due(task.last_run_at or task.date_changed)
    at = now if due else now + timedelta(seconds=seconds)
    # Whole minutes for times of day: the seconds are counted from a moment ago.
    return (at + timedelta(seconds=30)).replace(second=0, microsecond=0) if task.crontab else at
