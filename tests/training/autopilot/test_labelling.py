"""The autopilot asks the teacher about queries without an answer, within its own limit and the teacher's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from curation.ml.calls import Call
from curation.models import Application, Job, Query, Teacher
from curation.models.jobs import JobKind, JobState, Trigger
from curation.models.labelling import Scope
from curation.services.applications import teacher_set, tool_set_ensure
from tests.curation.traffic import TOOLS, make_query
from training.autopilot import autopilot_tick
from training.models import AutopilotAction
from training.models.autopilot import AutopilotStep as Step
from training.selectors.autopilot import Proposal
from training.services.autopilot import autopilot_change
from training.services.autopilot_plan import plan


@pytest.fixture
def piloted(application: Application) -> Application:
    autopilot_change(application=application, changes={"enabled": True, "label_limit": 10}, user=None)
    teacher_set(application=application, base_url="http://127.0.0.1:9/v1", model="large")
    return application


def unanswered(application: Application, number: int) -> None:
    for n in range(number):
        make_query(application, f"play {n}", minute=n, answered=False)


def step(application: Application) -> Proposal:
    return next(one for one in plan(application) if one.step == Step.LABEL)


def test_it_has_the_teacher_asked(piloted: Application) -> None:
    unanswered(piloted, 3)
    actions = autopilot_tick(application=piloted)
    [action] = [one for one in actions if one.step == Step.LABEL]
    assert action.job and (action.job.kind, action.job.trigger) == (JobKind.LABEL, Trigger.AUTOPILOT)
    assert action.job.parameters["queries"] == 3
    assert "3 queries without an answer" in action.sentence
    assert step(piloted).waiting, "it is under way"


def test_there_is_nothing_to_do_where_every_query_has_its_answer(piloted: Application) -> None:
    make_query(piloted, "play Can", Call("play", {"artist": "Can"}))
    now = step(piloted)
    assert not (now.due or now.asks or now.waiting)


def test_the_limit_of_a_day_holds_over_several_jobs(piloted: Application) -> None:
    unanswered(piloted, 14)
    autopilot_tick(application=piloted)
    done = {"answered": 8, "unusable": 2, "stopped": ""}
    Job.objects.update(state=JobState.DONE, result=done, finished_at=timezone.now() - timedelta(hours=2))
    now = step(piloted)
    assert (now.due, now.waiting, "limit of 10 queries" in now.sentence) == (False, True, True)
    Job.objects.update(created_at=timezone.now() - timedelta(days=1, minutes=1))
    assert step(piloted).due


def test_without_a_teacher_it_waits(application: Application) -> None:
    unanswered(application, 1)
    assert step(application).waiting


def test_a_budget_that_does_not_allow_it_is_asked_about_once_a_month(piloted: Application) -> None:
    unanswered(piloted, 3)
    Teacher.objects.update(monthly_tokens=10)
    for _ in range(2):
        autopilot_tick(application=piloted)
    [question] = AutopilotAction.objects.filter(step=Step.LABEL)
    assert question.asks and "budget of this month" in question.sentence
    assert not Job.objects.filter(kind=JobKind.LABEL).exists()


@pytest.mark.parametrize(
    ("state", "result"),
    [
        (JobState.FAILED, {}),
        (JobState.CANCELLED, {}),
        (JobState.DONE, {"answered": 0, "unusable": 0, "stopped": "The budget is spent."}),
    ],
)
def test_after_a_job_that_ended_early_it_waits_an_hour(piloted: Application, state: str, result: dict) -> None:
    unanswered(piloted, 3)
    autopilot_tick(application=piloted)
    Job.objects.update(state=state, result=result, finished_at=timezone.now())
    assert step(piloted).waiting
    Job.objects.update(finished_at=timezone.now() - timedelta(hours=1, minutes=1))
    assert step(piloted).due


def test_the_step_can_be_left_to_people(piloted: Application) -> None:
    autopilot_change(application=piloted, changes={"left_to_people": [Step.LABEL.value]}, user=None)
    unanswered(piloted, 3)
    autopilot_tick(application=piloted)
    assert not Job.objects.exists()
    assert AutopilotAction.objects.get(step=Step.LABEL).asks


def test_after_a_change_of_tools_it_asks_about_what_was_answered_under_the_old_ones(
    piloted: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curation.selectors.tool_sets.RECENT_QUERIES", 4)
    make_query(piloted, "louder", Call("volume", {"level": 9}), minute=1)
    make_query(piloted, "play Can", Call("play", {"artist": "Can"}), minute=2)
    changed = [TOOLS[0], {"type": "function", "function": {**TOOLS[1]["function"], "description": "0 to 10"}}]  # type: ignore[dict-item]
    now = tool_set_ensure(application=piloted, tools=changed)
    for minute in range(10, 14):
        later = make_query(piloted, "play Blur", Call("play", {"artist": "Blur"}), minute=minute)
        Query.objects.filter(pk=later.pk).update(tool_set=now)
    proposal = step(piloted)
    assert proposal.due and "1 query answered under tools" in proposal.sentence
    autopilot_tick(application=piloted)
    job = Job.objects.get(kind=JobKind.LABEL)
    assert (job.parameters["scope"], job.parameters["queries"]) == (Scope.CHANGED, 1)


def test_a_trickle_is_asked_about_once_an_hour(piloted: Application) -> None:
    unanswered(piloted, 2)
    autopilot_tick(application=piloted)
    done = {"answered": 2, "unusable": 0, "stopped": ""}
    Job.objects.update(state=JobState.DONE, result=done, finished_at=timezone.now())
    assert step(piloted).waiting
    Job.objects.update(finished_at=timezone.now() - timedelta(hours=1, minutes=1))
    assert step(piloted).due


def test_a_job_that_failed_uses_up_the_limit_as_far_as_it_came(piloted: Application) -> None:
    unanswered(piloted, 14)
    autopilot_tick(application=piloted)
    over = timezone.now() - timedelta(hours=2)
    Job.objects.update(state=JobState.FAILED, progress=0.4, finished_at=over)
    assert step(piloted).on.queries == 6
