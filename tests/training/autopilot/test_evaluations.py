"""Which evaluations it starts, and what waits for them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from curation.models import Application, Job, Query
from curation.models.jobs import JobKind, JobState, Trigger
from tests.training.autopilot.piloting import (
    TEXTS,
    asked,
    done,
    evaluated,
    live_traffic,
    on_all_users,
    setting,
    step,
)
from tests.training.inline import answer_inline, play
from tests.training.learned import make_dataset, make_evaluation, make_student
from tests.training.live import Pupil, serve
from training import tasks
from training.models import AutopilotAction, Evaluation, Student
from training.models.autopilot import AutopilotStep as Step
from training.selectors.aliases import challenger_of, champion_of
from training.services.promotions import promote


def test_the_champion_is_held_against_the_examples_of_a_new_student_first(champion: Student) -> None:
    application = champion.application
    newer = evaluated(make_dataset(application, TEXTS))
    assert done(application) == ["evaluate"]
    job = application.jobs.get(kind=JobKind.EVALUATE)
    assert job.parameters == {"student": champion.pk, "dataset": newer.dataset_id}
    assert done(application) == [], "it waits for the evaluation"
    Job.objects.filter(pk=job.pk).update(state=JobState.FAILED, message="The disk is full.")
    [question] = asked(application)
    assert "The disk is full." in question.sentence and f"Start job {job.pk} again" in question.sentence
    assert challenger_of(application) is None, "nothing is tried that was not held against the champion"
    Evaluation.objects.filter(pk=make_evaluation(champion).pk).update(dataset=newer.dataset)
    assert done(application) == ["canary"]


def test_a_challenger_is_held_against_a_champion_that_came_after_its_trial_began(
    piloted: Application, challenger: Student
) -> None:
    other = evaluated(make_dataset(piloted, TEXTS))
    promote(student=other)
    assert done(piloted) == ["evaluate"]
    job = piloted.jobs.get(kind=JobKind.EVALUATE)
    assert job.parameters == {"student": other.pk, "dataset": challenger.dataset_id}


def test_a_challenger_that_is_worse_on_live_traffic_is_asked_about(piloted: Application, challenger: Student) -> None:
    for _ in range(3):
        answer_inline(challenger, "play Can", play("Can"), ago=timedelta(0))
    live = make_evaluation(challenger)
    Evaluation.objects.filter(pk=live.pk).update(dataset=None, regressions=[{"function": "play_music"}])
    assert done(piloted) == []
    [question] = AutopilotAction.objects.filter(asks=True)
    assert "worse than the champion at: play_music" in question.sentence


def test_before_it_becomes_champion_both_are_held_against_live_traffic_once(
    piloted: Application, champion: Student, challenger: Student
) -> None:
    live_traffic(champion)
    assert done(piloted) == [], "not before the last step of the trial"
    on_all_users(piloted, challenger)
    assert done(piloted) == ["evaluate"]
    job = piloted.jobs.get(kind=JobKind.EVALUATE)
    assert (job.trigger, job.task) == (Trigger.AUTOPILOT, "training.tasks.evaluate")
    assert job.parameters == {"students": [champion.pk, challenger.pk], "days": 7}
    assert done(piloted) == [], "it waits for the evaluation"
    for state in (JobState.FAILED, JobState.CANCELLED):
        Job.objects.filter(pk=job.pk).update(state=state)
        assert done(piloted) == [], "it does not become champion unseen"
    assert "tried again an hour after" in step(piloted, Step.EVALUATE).sentence
    Job.objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(hours=2))
    piloted.promotions.update(created_at=timezone.now() - timedelta(hours=3))
    assert done(piloted) == ["evaluate"]
    Job.objects.update(state=JobState.DONE)
    assert done(piloted) == ["promote"]
    assert champion_of(piloted) == challenger


def test_an_evaluation_beside_an_earlier_champion_does_not_count(
    piloted: Application, champion: Student, challenger: Student
) -> None:
    live_traffic(champion)
    on_all_users(piloted, challenger)
    assert done(piloted) == ["evaluate"]
    Job.objects.update(state=JobState.DONE, parameters={"students": [champion.pk + 100, challenger.pk], "days": 7})
    assert done(piloted) == ["evaluate"]


def test_a_trial_that_took_long_is_held_against_live_traffic_all_the_same(
    piloted: Application, champion: Student, challenger: Student
) -> None:
    piloted.promotions.update(created_at=timezone.now() - timedelta(days=8))
    live_traffic(champion)
    on_all_users(piloted, challenger)
    assert done(piloted) == ["evaluate"]


def test_a_trial_does_not_end_unseen_where_there_is_traffic_to_be_held_against(
    piloted: Application, champion: Student, challenger: Student
) -> None:
    live_traffic(champion)
    on_all_users(piloted, challenger)
    assert done(piloted) == ["evaluate"]
    Job.objects.filter(kind=JobKind.EVALUATE).update(state=JobState.FAILED, message="The disk is full.")
    piloted.promotions.update(created_at=timezone.now() - timedelta(days=8))
    [question] = asked(piloted)
    assert question.step == Step.EVALUATE and "The disk is full." in question.sentence
    assert champion_of(piloted) == champion


def unevaluated(champion: Student) -> Student:
    """A newer student whose evaluation failed."""
    newer = make_student(champion.dataset)
    failed = {"kind": JobKind.EVALUATE, "state": JobState.FAILED, "trigger": Trigger.AUTOPILOT}
    champion.application.jobs.create(parameters={"student": newer.pk}, **failed)
    return newer


def test_a_newer_student_that_could_not_be_evaluated_holds_up_no_comparison(
    piloted: Application, challenger: Student
) -> None:
    other = evaluated(make_dataset(piloted, TEXTS))
    promote(student=other)
    unevaluated(other)
    assert done(piloted) == ["evaluate"]
    job = piloted.jobs.filter(kind=JobKind.EVALUATE).latest("pk")
    assert job.parameters == {"student": other.pk, "dataset": challenger.dataset_id}


def test_a_newer_student_that_could_not_be_evaluated_does_not_hold_up_the_trial(
    piloted: Application, champion: Student, challenger: Student
) -> None:
    unevaluated(champion)
    live_traffic(champion)
    on_all_users(piloted, challenger)
    assert done(piloted) == ["evaluate"]


def test_where_evaluations_are_left_to_people_it_does_not_promote_before_one(
    piloted: Application, champion: Student, challenger: Student
) -> None:
    setting(piloted, left_to_people=[Step.EVALUATE.value])
    live_traffic(champion)
    on_all_users(piloted, challenger)
    [question] = asked(piloted)
    assert question.step == Step.EVALUATE and "both are held against the same live traffic" in question.sentence
    assert champion_of(piloted) == champion
    tasks.start_live_evaluation(application=piloted, days=7, trigger=Trigger.PAGE)
    Job.objects.update(state=JobState.DONE)
    assert done(piloted) == ["promote"]


def test_queries_that_no_student_can_be_held_against_are_not_evaluated_on(
    piloted: Application, champion: Student, challenger: Student
) -> None:
    live_traffic(champion)
    on_all_users(piloted, challenger)
    Query.objects.filter(text__startswith="play live").update(excluded=True)
    assert done(piloted) == []
    sentence = step(piloted, Step.EVALUATE).sentence
    assert "There are 0 of the 50 queries" in sentence and "After 7 days it waits no longer" in sentence
    assert "on live traffic first" in step(piloted, Step.PROMOTE).sentence


def test_a_challenger_that_is_worse_on_live_traffic_does_not_become_champion(
    piloted: Application, champion: Student, challenger: Student, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, {champion: Pupil(), challenger: Pupil(bad_at="play_music")})
    live_traffic(champion)
    on_all_users(piloted, challenger)
    assert done(piloted) == ["evaluate"]
    tasks.evaluate(piloted.jobs.get(kind=JobKind.EVALUATE).pk)
    [question] = asked(piloted)
    assert "worse than the champion at: play_music" in question.sentence
    assert champion_of(piloted) == champion
