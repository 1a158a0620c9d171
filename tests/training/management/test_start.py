"""`manage.py start`: each kind of work becomes a job that waits for the workers."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from kombu.exceptions import OperationalError

from curation import tasks as curation_tasks
from curation.models import Application, Job
from curation.models.jobs import JobState, Trigger
from tests.curation.traffic import make_query
from tests.moody_teacher import MoodyTeacher
from tests.training.learned import make_dataset, make_student
from tests.training.live import ALARMS, PLAYS, arrive, learned_yesterday
from training import tasks
from training.models import Alias
from training.starting import STARTS


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The keys of the jobs handed to the workers."""
    keys: list[int] = []
    mine = (curation_tasks.cluster, curation_tasks.label, curation_tasks.purge)
    for task in (*mine, tasks.build, tasks.distil, tasks.evaluate, tasks.drift):
        monkeypatch.setattr(task, "delay_on_commit", keys.append)
    return keys


@pytest.fixture
def ready(application: Application, moody: MoodyTeacher) -> Application:
    """An application in which there is work of every kind to do."""
    student = learned_yesterday(application, ["play Can"])
    arrive(student, [*PLAYS, *ALARMS])
    Alias.objects.create(application=application, name="champion", student=student)
    make_dataset(application, ["play Can", "play Blur"])
    make_query(application, "play Moby", answered=False)
    application.keep_days = 30
    application.save()
    return application


def start(kind: str, *arguments: str) -> str:
    out = StringIO()
    call_command("start", kind, "--application=music", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


@pytest.mark.parametrize("kind", STARTS)
def test_each_kind_of_work_is_left_to_the_workers_and_shown_among_the_jobs(
    kind: str, ready: Application, queued: list[int]
) -> None:
    told: dict[str, Any] = json.loads(start(kind, "--json").splitlines()[-1])
    job = Job.objects.latest("pk")
    assert (job.kind, job.trigger, job.state, job.started_by) == (kind, Trigger.COMMAND, JobState.QUEUED, None)
    assert (told["job"], told["kind"], queued) == (job.pk, kind, [job.pk])
    assert told["page"] == f"{reverse('jobs')}#job-{job.pk}"


def test_both_champion_and_challenger_are_evaluated_on_live_traffic(ready: Application, queued: list[int]) -> None:
    champion = ready.students.get()
    challenger = make_student(champion.dataset)
    Alias.objects.create(application=ready, name="challenger", student=challenger)
    start("evaluate")
    assert Job.objects.get(pk=queued[0]).parameters["students"] == [champion.pk, challenger.pk]


def test_a_person_reads_the_number_of_the_job_and_where_to_see_it(application: Application, queued: list[int]) -> None:
    text = start("cluster")
    assert text == (
        f"Cluster the traffic: job {queued[0]} waits for a worker. /jobs/#job-{queued[0]} shows how far it is.\n"
    )


def test_a_broker_that_is_away_is_told_and_the_job_waits_for_it(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(pk: int) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(curation_tasks.cluster, "delay", refuse)
    monkeypatch.setattr(curation_tasks.cluster, "delay_on_commit", curation_tasks.cluster.send)
    assert "The broker does not answer; it starts when the broker is back." in start("cluster")
    assert Job.objects.get().state == JobState.QUEUED


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("label", "No query of Music is without an answer"),
        ("distil", "No dataset is approved yet"),
        ("evaluate", "neither a champion nor a challenger"),
        ("purge", "no number of days is set"),
    ],
)
def test_what_cannot_start_is_told_at_once(
    kind: str, sentence: str, application: Application, queued: list[int]
) -> None:
    with pytest.raises(CommandError, match=sentence):
        start(kind)
    assert (queued, Job.objects.exists()) == ([], False)


def test_what_is_under_way_is_not_started_twice(application: Application, queued: list[int]) -> None:
    start("drift")
    with pytest.raises(CommandError, match="under way already"):
        start("drift")
    assert len(queued) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["forget", "--application=music"], "invalid choice: 'forget'"),
        (["cluster"], "--application"),
        (["cluster", "--application=nobody"], "There is no application 'nobody'"),
    ],
)
def test_what_is_asked_for_wrongly_is_told(arguments: list[str], sentence: str, application: Application) -> None:
    with pytest.raises(CommandError, match=sentence):
        call_command("start", *arguments)
