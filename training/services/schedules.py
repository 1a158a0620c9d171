"""Jobs of an application that the schedule starts. Celery's beat takes changes up within seconds."""

from __future__ import annotations

from datetime import time

from django.db import transaction
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from curation.errors import OdiaError
from curation.models import Application
from training.models.schedules import Rhythm, Weekday, Work, arguments_of


@transaction.atomic
def schedule_add(
    *, application: Application, work: Work, rhythm: Rhythm, at: time, weekday: Weekday, hours: int, zone: str
) -> PeriodicTask:
    """Start a kind of work again and again. `at` is a time of day in `zone`.

    Raises:
        OdiaError: it is scheduled already.
    """
    name = f"{application.slug}: {work.label}"
    if PeriodicTask.objects.filter(name=name).exists():
        raise OdiaError(f"“{work.label}” is scheduled already; change its row in the list.")
    task = PeriodicTask(name=name, task=work.value, kwargs=arguments_of(application))
    return _set_rhythm(task, rhythm, at, weekday, hours, zone)


@transaction.atomic
def schedule_change(
    *, task: PeriodicTask, rhythm: Rhythm, at: time, weekday: Weekday, hours: int, zone: str
) -> PeriodicTask:
    """Have scheduled work done at other times."""
    # Beat would take a time of day that is over for one that it missed.
    task.last_run_at = None
    return _set_rhythm(task, rhythm, at, weekday, hours, zone)


def schedule_switch(*, task: PeriodicTask, enabled: bool) -> PeriodicTask:
    """Let scheduled work rest, or have it done again."""
    task.enabled = enabled
    task.save()
    return task


def schedule_delete(*, task: PeriodicTask) -> None:
    """Take work off the schedule; its jobs stay."""
    task.delete()


def _set_rhythm(task: PeriodicTask, rhythm: Rhythm, at: time, weekday: Weekday, hours: int, zone: str) -> PeriodicTask:
    task.crontab = task.interval = None
    if rhythm == Rhythm.HOURS:
        task.interval = IntervalSchedule.objects.get_or_create(every=hours, period=IntervalSchedule.HOURS)[0]
    else:
        task.crontab = CrontabSchedule.objects.get_or_create(
            minute=str(at.minute),
            hour=str(at.hour),
            day_of_week=weekday.value if rhythm == Rhythm.WEEKLY else "*",
            day_of_month="*",
            month_of_year="*",
            timezone=zone,
        )[0]
    task.save()
    return task
