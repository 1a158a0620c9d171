"""Its steps and people: what is left to them, asked once, and taken once."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from curation.errors import OdiaError
from curation.models import Application, Job
from curation.models.jobs import JobKind, JobState
from curation.services.applications import application_ensure
from tests.training.autopilot.piloting import (
    TEXTS,
    done,
    live_traffic,
    setting,
    simple_cluster,
    step,
)
from tests.training.inline import answer_inline, play
from tests.training.learned import make_dataset
from training.autopilot import autopilot_tick, tick_all
from training.models import AutopilotAction, Student
from training.models.autopilot import AutopilotStep as Step
from training.models.datasets import DatasetStatus
from training.selectors.aliases import challenger_of, champion_of
from training.services.challengers import canary_set, challenger_set
from training.services.policies import policy_of
from training.services.promotions import promote


@pytest.mark.parametrize("left", [Step.CANARY, Step.WIDEN, Step.PROMOTE])
def test_it_stops_where_a_step_is_left_to_people_and_goes_on_when_they_have_decided(
    piloted: Application, champion: Student, candidate: Student, users: dict[str, User], left: Step
) -> None:
    setting(piloted, left_to_people=[left.value])
    live_traffic(champion)
    steps = []
    for _ in range(12):
        Job.objects.filter(kind=JobKind.EVALUATE).update(state=JobState.DONE)
        steps += done(piloted)
        if step(piloted, left).asks:
            _decide(piloted, candidate, left, users["approver"])
        if challenger_of(piloted):
            for _ in range(3):
                answer_inline(candidate, "play Can", play("Can"), ago=timedelta(0))
    assert champion_of(piloted) == candidate
    assert left not in steps
    questions = AutopilotAction.objects.filter(asks=True, step=left)
    assert questions.exists() and questions.count() == len(set(questions.values_list("subject", flat=True)))


def _decide(application: Application, student: Student, left: Step, user: User) -> None:
    if left == Step.CANARY:
        challenger_set(student=student, user=user)
        canary_set(application=application, share=0.25, shadow=False, user=user)
    elif left == Step.WIDEN:
        share = min(policy_of(application).canary_share + 0.25, 1.0)
        canary_set(application=application, share=share, shadow=False, user=user)
    else:
        promote(student=student, user=user)


def test_a_step_that_cannot_be_done_is_said_once(piloted: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    make_dataset(piloted, TEXTS)

    def refuse(**given: Any) -> None:
        raise OdiaError("The trainer is on holiday.")

    monkeypatch.setattr("training.autopilot.start_run_as_before", refuse)
    assert done(piloted) == [] and done(piloted) == []
    [question] = AutopilotAction.objects.filter(asks=True, step="distil")
    assert question.sentence.endswith("It could not be done: The trainer is on holiday.")
    assert step(piloted, Step.DISTIL).words == question.sentence, "the page and the overview go on saying it"
    monkeypatch.undo()
    assert done(piloted) == ["distil"]
    assert not step(piloted, Step.DISTIL).needs_person
    assert "could not" not in AutopilotAction.objects.get(asks=False, step="distil").sentence


def test_a_step_that_breaks_is_said_and_the_others_go_on(piloted: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    make_dataset(piloted, TEXTS, status=DatasetStatus.DRAFT)
    simple_cluster(piloted)

    def break_(**given: Any) -> None:
        raise ValueError("a fault")

    monkeypatch.setattr("training.autopilot.clusters_approve", break_)
    assert "approve_dataset" in done(piloted)
    [question] = AutopilotAction.objects.filter(asks=True, step="approve_clusters")
    assert "the log of the worker says more" in question.sentence


@pytest.mark.django_db(transaction=True)
def test_two_ticks_at_once_do_nothing_twice(piloted: Application) -> None:
    make_dataset(piloted, TEXTS, status=DatasetStatus.DRAFT)
    outcomes: list[int] = []

    def tick() -> None:
        try:
            outcomes.append(len(autopilot_tick(application=piloted)))
        finally:
            connection.close()

    threads = [threading.Thread(target=tick) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(outcomes) == AutopilotAction.objects.exclude(step="").count()
    assert AutopilotAction.objects.filter(step="approve_dataset").count() == 1
    assert Job.objects.filter(kind=JobKind.DISTIL).count() == 1


def test_what_is_wrong_with_one_application_stops_no_other(
    piloted: Application, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    other = application_ensure(slug="other", name="Other")
    setting(other, enabled=True)
    ticked = []

    def tick(*, application: Application) -> None:
        ticked.append(application)
        if application == piloted:
            raise ValueError("a fault")

    monkeypatch.setattr("training.autopilot.autopilot_tick", tick)
    tick_all()
    assert set(ticked) == {piloted, other}
    assert "The autopilot of music broke off" in caplog.text
