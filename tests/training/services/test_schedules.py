from __future__ import annotations

from datetime import time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from django_celery_beat import schedulers
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask, PeriodicTasks
from django_celery_beat.schedulers import DatabaseScheduler

from curation.errors import OdiaError
from curation.models import Application
from curation.services.applications import application_ensure
from odia_site.celery import app
from training.models.schedules import BUILT_IN, Rhythm, Weekday, Work
from training.selectors.schedules import in_words, schedule_of, scheduled_task
from training.services.schedules import schedule_add, schedule_change, schedule_delete, schedule_switch

DAILY: dict[str, Any] = {
    "rhythm": Rhythm.DAILY,
    "at": time(3, 30),
    "weekday": Weekday.MONDAY,
    "hours": 1,
    "zone": "Europe/Berlin",
}


def add(application: Application, **changes: Any) -> PeriodicTask:
    return schedule_add(application=application, work=Work.CLUSTER, **{**DAILY, **changes})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "every day at 03:30 (Europe/Berlin)"),
        ({"rhythm": Rhythm.WEEKLY, "weekday": Weekday.SUNDAY}, "every Sunday at 03:30 (Europe/Berlin)"),
        ({"rhythm": Rhythm.HOURS, "hours": 6}, "every 6 hours"),
        ({"rhythm": Rhythm.HOURS, "hours": 1}, "every hour"),
    ],
)
def test_a_rhythm_is_said_in_plain_words(application: Application, changes: dict[str, Any], words: str) -> None:
    assert in_words(add(application, **changes)) == words


def test_a_rhythm_from_the_console_is_said_too(application: Application) -> None:
    task = add(application)
    task.crontab = CrontabSchedule.objects.create(minute="*/5", hour="1,2")
    words = in_words(task)
    assert words.startswith("every 5 minutes") and words.endswith("(UTC)") and words.count("UTC") == 1


def test_the_next_run_is_at_that_time_of_day_in_that_zone(application: Application) -> None:
    add(application)
    (row,) = schedule_of(application)
    assert row.next_run
    berlin = timezone.localtime(row.next_run, ZoneInfo("Europe/Berlin"))
    assert berlin.strftime("%H:%M:%S") == "03:30:00"
    assert timezone.now() < row.next_run <= timezone.now() + timedelta(days=1, hours=1)


def test_what_is_switched_off_has_no_next_run(application: Application) -> None:
    task = schedule_switch(task=add(application), enabled=False)
    assert schedule_of(application)[0].next_run is None
    schedule_switch(task=task, enabled=True)
    assert schedule_of(application)[0].next_run


def test_the_same_work_is_scheduled_once_for_an_application(application: Application) -> None:
    add(application)
    add(application_ensure(slug="weather"))
    with pytest.raises(OdiaError, match="is scheduled already"):
        add(application)


def test_an_application_sees_its_own_rows_and_what_is_built_in(application: Application) -> None:
    other = add(application_ensure(slug="weather"))
    every = IntervalSchedule.objects.create(every=30, period=IntervalSchedule.SECONDS)
    built_in = PeriodicTask.objects.create(name="lost", task=next(iter(BUILT_IN)), interval=every)
    own = add(application)
    assert [row.task for row in schedule_of(application)] == [own, built_in]
    assert scheduled_task(application, own.pk) == own
    assert scheduled_task(application, other.pk) is None
    assert scheduled_task(application, built_in.pk) is None


def test_a_change_does_not_start_the_work_at_once(application: Application) -> None:
    task = add(application)
    PeriodicTask.objects.filter(pk=task.pk).update(last_run_at=timezone.now() - timedelta(days=3))
    task.refresh_from_db()
    schedule_change(task=task, **{**DAILY, "at": time(4, 0)})
    (row,) = schedule_of(application)
    assert row.rhythm == "every day at 04:00 (Europe/Berlin)"
    assert row.next_run and row.next_run > timezone.now()


def test_beat_takes_up_what_was_added_changed_switched_off_and_deleted(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It would close the connection in whose transaction the test runs.
    monkeypatch.setattr(schedulers, "close_old_connections", lambda: None)
    PeriodicTasks.update_changed()
    beat = DatabaseScheduler(app=app, lazy=True)
    assert not beat.schedule
    name = f"{application.slug}: Cluster the traffic"
    assert name not in beat.schedule
    # By hours: what is due at another time of day, beat takes up shortly before.
    task = add(application, rhythm=Rhythm.HOURS, hours=6)
    assert beat.schedule[name].schedule.run_every == timedelta(hours=6)
    assert beat.schedule[name].kwargs == {"application_id": application.pk}
    assert beat.schedule[name].task in app.tasks
    schedule_change(task=task, **{**DAILY, "rhythm": Rhythm.HOURS, "hours": 8})
    assert beat.schedule[name].schedule.run_every == timedelta(hours=8)
    schedule_switch(task=task, enabled=False)
    assert name not in beat.schedule
    schedule_delete(task=task)
    assert not PeriodicTask.objects.exists()


def test_what_is_built_in_is_what_the_settings_schedule() -> None:
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} == set(BUILT_IN)
