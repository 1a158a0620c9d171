"""The page of the schedule."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from curation.models import Application
from odia_site.celery import app
from odia_site.middleware import COOKIE
from training.models.schedules import BUILT_IN, Work

DAILY = {"work": Work.CLUSTER.value, "rhythm": "daily", "at": "03:30"}


@pytest.fixture
def client(client_of: dict[str, Client], application: Application) -> Client:
    client_of["administrator"].cookies[COOKIE] = "Europe%2FBerlin"
    return client_of["administrator"]


def test_work_is_added_in_the_time_of_the_viewer_changed_and_deleted(client: Client) -> None:
    client.post(reverse("schedule"), DAILY)
    task = PeriodicTask.objects.get()
    for page in ("schedule", "jobs"):
        assert "every day at 03:30 (Europe/Berlin)" in client.get(reverse(page)).content.decode()
    edit = reverse("schedule_edit", args=[task.pk])
    assert 'value="03:30"' in client.get(edit).content.decode()
    client.post(edit, {"rhythm": "weekly", "at": "23:15", "weekday": "5"})
    assert "every Friday at 23:15" in client.get(reverse("schedule")).content.decode()
    client.post(edit, {"rhythm": "hours", "hours": "8"})
    assert 'value="8"' in client.get(edit).content.decode()
    client.post(reverse("schedule_switch", args=[task.pk]), {"enabled": "0"})
    assert "Switched off" in client.get(reverse("schedule")).content.decode()
    client.post(reverse("schedule_delete", args=[task.pk]))
    assert not PeriodicTask.objects.exists()


def test_every_kind_of_work_can_be_scheduled(client: Client) -> None:
    for work in Work:
        client.post(reverse("schedule"), {**DAILY, "work": work.value})
    assert set(PeriodicTask.objects.values_list("task", flat=True)) == set(Work.values) <= set(app.tasks)
    assert "Evaluate on live traffic" in client.get(reverse("schedule")).content.decode()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"at": ""}, "Say at what time of day"),
        ({"at": "25:00"}, "Enter a valid time."),
        ({"rhythm": "hours"}, "Say after how many hours"),
        ({"rhythm": "hours", "hours": "0"}, "greater than or equal to 1"),
        ({"rhythm": "sometimes"}, "Select a valid choice"),
        ({"work": "curation.tasks.recover_jobs"}, "Select a valid choice"),
        ({"rhythm": "weekly", "weekday": "9"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_scheduled_is_told(changes: dict[str, str], sentence: str, client: Client) -> None:
    assert sentence in client.post(reverse("schedule"), {**DAILY, **changes}).content.decode()
    assert not PeriodicTask.objects.exists()


def test_the_same_work_twice_is_told(client: Client) -> None:
    client.post(reverse("schedule"), DAILY)
    assert "is scheduled already" in client.post(reverse("schedule"), DAILY, follow=True).content.decode()
    assert PeriodicTask.objects.count() == 1


def test_what_is_built_in_is_shown_and_stays(client: Client) -> None:
    every = IntervalSchedule.objects.create(every=30, period=IntervalSchedule.SECONDS)
    task = PeriodicTask.objects.create(name="lost", task="curation.tasks.recover_jobs", interval=every)
    text = client.get(reverse("schedule")).content.decode()
    assert BUILT_IN[task.task] in text and "every 30 seconds" in text and "Its times are fixed" in text
    for write in ("schedule_switch", "schedule_delete", "schedule_edit"):
        assert client.post(reverse(write, args=[task.pk])).status_code == 404
    assert PeriodicTask.objects.get().enabled
