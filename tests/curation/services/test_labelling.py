"""Labelling: every query is answered once, within the teacher's limits, whatever the teacher does."""

from __future__ import annotations

from typing import Any

import pytest

from curation.errors import OdiaError
from curation.ml.calls import Call
from curation.models import Application, Job, Query, Teacher, TeacherCall, Unusable
from curation.models.jobs import JobKind, JobState, Trigger
from curation.models.labelling import Scope
from curation.models.traffic import Purpose
from curation.selectors.labelling import estimate, selected
from curation.services import label_failures, labelling
from curation.services.applications import tool_set_ensure
from curation.services.jobs import job_create, job_run
from curation.services.labels import label_record
from curation.services.query_reviews import call_correct
from curation.tasks import start_newest
from curation.teachers.openai_api import TeacherAnswer
from tests.curation.traffic import TOOLS, make_query, student_decision
from tests.moody_teacher import CALL, MoodyTeacher

ANSWER = Call(CALL["name"], CALL["arguments"])  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_failures, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(label_failures, "LONGEST_PAUSE_SECONDS", 0.05)


def unanswered(application: Application, number: int) -> list[Query]:
    return [make_query(application, f"play {n}", minute=n, answered=False) for n in range(number)]


def done(application: Application, scope: Scope = Scope.UNANSWERED, **choices: Any) -> Job:
    wanted = selected(application, scope=scope, **{"limit": 1000, **choices})
    assert wanted
    job = job_create(
        application=application, kind=JobKind.LABEL, trigger=Trigger.PAGE, parameters=wanted.as_json(), task="t"
    )
    return begun(job)


def begun(job: Job) -> Job:
    return job_run(job=job, work=lambda report: labelling.label(job=job, report=report))


def set_teacher(application: Application, **limits: Any) -> None:
    Teacher.objects.filter(application=application).update(**limits)


def labels() -> list[TeacherCall]:
    return list(TeacherCall.objects.filter(purpose=Purpose.LABEL))


def test_each_query_gets_the_teachers_call_once(application: Application, moody: MoodyTeacher) -> None:
    queries = unanswered(application, 20)
    job = done(application)
    assert (job.state, job.result) == (JobState.DONE, {"answered": 20, "unusable": 0, "left": 0, "stopped": ""})
    assert all(query.call == ANSWER for query in Query.objects.filter(labelled=True))
    assert len(labels()) == Query.objects.filter(labelled=True).count() == 20
    assert moody.bodies[0]["tools"] == TOOLS
    assert set(moody.answered.values()) == {1}
    assert {query.text for query in queries} == set(moody.answered)


def test_a_teacher_in_a_bad_mood_answers_all_in_the_end(application: Application, moody: MoodyTeacher) -> None:
    moody.errors, moody.garbage, moody.too_many, moody.retry_after, moody.seed = 0.15, 0.1, 0.02, 1, 3
    set_teacher(application, concurrency=8)
    unanswered(application, 120)
    job = done(application)
    assert (job.state, job.result["answered"], job.result["left"]) == (JobState.DONE, 120, 0)
    assert {"error", "garbage", "too many"} < set(moody.moods)
    assert len(labels()) == 120
    assert moody.most_under_way <= 8
    assert moody.too_early == 0, "it asked to be left alone"


def test_a_request_that_hangs_is_tried_again(application: Application, moody: MoodyTeacher) -> None:
    moody.hangs, moody.seed = 0.3, 1
    set_teacher(application, timeout_seconds=0.2)
    unanswered(application, 10)
    job = done(application)
    assert job.result["answered"] == 10
    assert moody.moods["hangs"] > 0


def test_no_more_requests_at_a_time_than_the_teacher_may_get(application: Application, moody: MoodyTeacher) -> None:
    moody.seconds = 0.02
    set_teacher(application, concurrency=3)
    unanswered(application, 30)
    done(application)
    assert moody.most_under_way == 3


def test_the_pace_is_kept(application: Application, moody: MoodyTeacher) -> None:
    set_teacher(application, requests_per_minute=1200, concurrency=20)
    unanswered(application, 12)
    done(application)
    assert moody.moments[-1] - moody.moments[0] >= 11 * 60 / 1200 * 0.9


def test_it_stops_cleanly_when_the_budget_is_spent(application: Application, moody: MoodyTeacher) -> None:
    set_teacher(application, monthly_tokens=2000, concurrency=4)
    unanswered(application, 60)
    job = done(application)
    assert job.state == JobState.DONE
    assert "The budget of this month has no room" in job.result["stopped"]
    assert job.result["answered"] + job.result["left"] == 60
    assert job.result["answered"] == len(labels()) > 0
    assert moody.tokens <= 2000
    assert moody.tokens > 1000, "what is reserved is free again once it is not used"


def test_a_request_that_is_too_large_for_the_budget_holds_up_no_other(
    application: Application, moody: MoodyTeacher
) -> None:
    unanswered(application, 6)
    make_query(application, "play " + 20_000 * "on and ", minute=900, answered=False)
    set_teacher(application, monthly_tokens=20_000, concurrency=2)
    job = done(application)
    assert (job.state, job.result["answered"], job.result["left"]) == (JobState.DONE, 6, 1)
    assert job.result["stopped"].startswith(
        "The request that is left is too large for the rest of this month’s budget: "
    )
    assert not Unusable.objects.exists()
    set_teacher(application, monthly_tokens=None)
    assert done(application).result["answered"] == 1


def test_a_job_that_is_begun_again_asks_only_for_what_is_missing(application: Application, moody: MoodyTeacher) -> None:
    unanswered(application, 20)
    wanted = selected(application, scope=Scope.UNANSWERED, limit=1000)
    assert wanted
    set_teacher(application, monthly_tokens=2000)
    job = job_create(application=application, kind=JobKind.LABEL, trigger=Trigger.PAGE, parameters=wanted.as_json())
    first = begun(job).result["answered"]
    make_query(application, "it came later", minute=900, answered=False)
    set_teacher(application, monthly_tokens=None)
    Job.objects.update(state=JobState.QUEUED)
    again = begun(job)
    assert 0 < first < 20
    assert (again.result["answered"], again.result["left"]) == (20, 0)
    assert set(moody.answered.values()) == {1}
    assert "it came later" not in moody.answered


def test_no_more_is_asked_about_than_was_said_though_a_log_is_imported_meanwhile(
    application: Application, moody: MoodyTeacher
) -> None:
    unanswered(application, 10)
    wanted = selected(application, scope=Scope.UNANSWERED, limit=10)
    assert wanted
    moody.refused = frozenset({"play 9"})
    set_teacher(application, monthly_tokens=900, concurrency=1)
    job = job_create(application=application, kind=JobKind.LABEL, trigger=Trigger.PAGE, parameters=wanted.as_json())
    for n in range(10):
        make_query(application, f"imported {n}", minute=5, answered=False)
    first = begun(job).result
    assert (first["unusable"], 0 < first["answered"] < 9) == (1, True)
    assert first["left"] == 9 - first["answered"]
    set_teacher(application, monthly_tokens=None)
    Job.objects.update(state=JobState.QUEUED)
    assert begun(job).result == {"answered": 9, "unusable": 1, "left": 0, "stopped": ""}
    assert moody.answered.total() == len(moody.answered) == len(labels()) == 9
    assert selected(application, scope=Scope.UNANSWERED, limit=100).queries == 10  # type: ignore[union-attr]


def test_asked_again_no_more_is_asked_about_than_was_said(application: Application, moody: MoodyTeacher) -> None:
    for minute in (0, 9):
        make_query(application, "play Blur", ANSWER, minute=minute)
    wanted = selected(application, scope=Scope.AGAIN, limit=10, samples=2)
    assert wanted
    job = job_create(application=application, kind=JobKind.LABEL, trigger=Trigger.PAGE, parameters=wanted.as_json())
    make_query(application, "play Can", ANSWER, minute=5)
    for _ in range(2):
        Job.objects.update(state=JobState.QUEUED)
        assert begun(job).result == {"answered": 4, "unusable": 0, "left": 0, "stopped": ""}
    assert moody.answered.total() == 4


def test_a_query_that_the_teacher_refuses_is_left_and_not_asked_about_again(
    application: Application, moody: MoodyTeacher
) -> None:
    queries = unanswered(application, 5)
    moody.refused = frozenset({"play 3"})
    set_teacher(application, concurrency=1)
    job = done(application)
    assert (job.result["answered"], job.result["unusable"], job.result["left"]) == (4, 1, 0)
    unusable = Unusable.objects.get()
    assert unusable.query_id == queries[3].pk
    assert "400" in unusable.reason and "not this" in unusable.reason
    assert selected(application, scope=Scope.UNANSWERED, limit=10) is None
    moody.refused = frozenset()
    assert done(application, Scope.REFUSED).result["answered"] == 1
    assert not Unusable.objects.exists()


def test_a_query_that_is_refused_once_more_is_not_counted_as_answered(
    application: Application, moody: MoodyTeacher
) -> None:
    unanswered(application, 3)
    moody.refused = frozenset({"play 1", "play 2"})
    set_teacher(application, concurrency=1)
    done(application)
    moody.refused = frozenset({"play 2"})
    job = done(application, Scope.REFUSED)
    assert (job.result["answered"], job.result["unusable"], job.result["left"]) == (1, 1, 0)


@pytest.mark.parametrize("refused_last", [3, 6], ids=["the last ones", "all"])
def test_what_no_answer_shows_to_be_the_queries_fault_stays_unanswered(
    application: Application, moody: MoodyTeacher, refused_last: int
) -> None:
    """As when the key is revoked meanwhile, or its money is used up."""
    unanswered(application, 6)
    moody.refused = frozenset(["Hi", *(f"play {n}" for n in range(refused_last))])
    set_teacher(application, concurrency=1)
    job = done(application)
    assert job.state == JobState.FAILED
    assert f"the last {refused_last} queries" in job.message and "not this" in job.message
    assert len(labels()) == 6 - refused_last
    assert not Unusable.objects.exists()
    moody.refused = frozenset()
    assert done(application).result["answered"] == refused_last


def test_a_query_that_is_refused_last_is_to_blame_where_the_teacher_answers_something_else(
    application: Application, moody: MoodyTeacher
) -> None:
    unanswered(application, 1)
    moody.refused = frozenset({"play 0"})
    job = done(application)
    assert (job.state, job.result["unusable"]) == (JobState.DONE, 1)
    assert selected(application, scope=Scope.UNANSWERED, limit=10) is None, "no later job fails because of it"


@pytest.mark.parametrize(
    ("status", "sentence"),
    [(401, "refuses the key"), (404, "not a chat completions API"), (400, "20 queries in a row")],
)
def test_a_teacher_that_refuses_everything_ends_the_job_at_once(
    application: Application, moody: MoodyTeacher, status: int, sentence: str
) -> None:
    moody.status = status
    unanswered(application, 60)
    job = done(application)
    assert job.state == JobState.FAILED
    assert sentence in job.message
    assert len(moody.bodies) < 40
    assert not labels()


def test_a_teacher_that_answers_nothing_for_long_ends_the_job(
    application: Application, moody: MoodyTeacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(label_failures, "PATIENCE_SECONDS", 0.2)
    moody.errors = 1.0
    unanswered(application, 60)
    job = done(application)
    assert job.state == JobState.FAILED
    assert "what it answered is kept" in job.message and "overloaded" in job.message


def test_a_teacher_that_is_away_for_a_while_costs_no_query_its_answer(
    application: Application, moody: MoodyTeacher
) -> None:
    moody.down_for = 150
    set_teacher(application, concurrency=4)
    unanswered(application, 8)
    job = done(application)
    assert (job.result["answered"], job.result["unusable"]) == (8, 0)
    assert moody.moods["error"] == 150, "more failures of each query than it has tries"


def test_a_query_on_which_the_teacher_always_fails_is_given_up_while_others_are_answered(
    application: Application, moody: MoodyTeacher
) -> None:
    moody.seconds, moody.fails_at = 0.02, frozenset({"play 5"})
    unanswered(application, 60)
    job = done(application)
    assert (job.result["answered"], job.result["unusable"]) == (59, 1)
    assert "overloaded" in Unusable.objects.get().reason


def test_what_the_teacher_refuses_makes_the_next_estimate_no_lower(
    application: Application, moody: MoodyTeacher
) -> None:
    unanswered(application, 5)
    moody.refused = frozenset({"play 3", "play 4"})
    set_teacher(application, concurrency=1)
    done(application)
    choices = selected(application, scope=Scope.REFUSED, limit=10)
    assert choices
    cost = estimate(Teacher.objects.get(), choices)
    assert (cost.requests, cost.tokens) == (2, 2 * moody.tokens // 3)


def test_one_query_that_is_not_allowed_ends_nothing(application: Application, moody: MoodyTeacher) -> None:
    moody.refused, moody.refusal = frozenset({"play 1"}), 403
    set_teacher(application, concurrency=1)
    unanswered(application, 6)
    job = done(application)
    assert (job.state, job.result["answered"], job.result["unusable"]) == (JobState.DONE, 5, 1)


def test_without_a_teacher_it_says_so(application: Application) -> None:
    unanswered(application, 1)
    job = done(application)
    assert (job.state, "has no teacher" in job.message) == (JobState.FAILED, True)


def test_a_wish_to_stop_is_heard_while_everything_waits(
    application: Application, moody: MoodyTeacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labelling, "TICK_SECONDS", 0.05)
    monkeypatch.setattr("curation.services.jobs.running.WRITE_EVERY_SECONDS", 0.0)
    moody.too_many, moody.retry_after = 1.0, 3600
    unanswered(application, 4)
    wanted = selected(application, scope=Scope.UNANSWERED, limit=10)
    assert wanted
    job = job_create(application=application, kind=JobKind.LABEL, trigger=Trigger.PAGE, parameters=wanted.as_json())

    def watch(phase: str, fraction: float, message: str = "") -> None:
        if moody.bodies:
            Job.objects.update(cancel_requested=True)

    job_run(job=job, work=lambda report: labelling.label(job=job, report=report), watch=watch)
    assert job.state == JobState.CANCELLED


def test_what_was_answered_inline_is_left_to_the_audits(application: Application, moody: MoodyTeacher) -> None:
    make_query(application, "inline", answered=False, decision=student_decision(ANSWER))
    make_query(application, "failed", answered=False, decision=student_decision(ANSWER, route="fallback"))
    done(application)
    assert set(moody.answered) == {"failed"}


def test_changed_tools_are_asked_about_under_the_tools_of_now(
    application: Application, moody: MoodyTeacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = make_query(application, "louder", Call("volume", {"level": 9}), minute=1)
    play = make_query(application, "play Can", Call("play", {"artist": "Can"}), minute=2)
    mine = make_query(application, "quieter", Call("volume", {"level": 1}), minute=3)
    call_correct(query=mine, call=Call("volume", {"level": 2}), user=None)
    changed = [TOOLS[0], {"type": "function", "function": {**TOOLS[1]["function"], "description": "0 to 10"}}]  # type: ignore[dict-item]
    now = tool_set_ensure(application=application, tools=changed)
    for minute in range(10, 20):
        later = make_query(application, "play Blur", Call("play", {"artist": "Blur"}), minute=minute)
        Query.objects.filter(pk=later.pk).update(tool_set=now)
    assert selected(application, scope=Scope.CHANGED, limit=10) is None, "both sets come: none of them is older"
    monkeypatch.setattr("curation.selectors.tool_sets.RECENT_QUERIES", 10)
    job = done(application, Scope.CHANGED)
    assert set(moody.answered) == {"louder"}, "neither an unchanged function nor a person's correction"
    assert moody.bodies[0]["tools"] == changed
    volume.refresh_from_db()
    play.refresh_from_db()
    assert (volume.call, volume.tool_set) == (ANSWER, now)
    assert play.tool_set != now
    assert job.result["answered"] == 1


def test_asked_again_it_tells_how_consistent_it_is_and_changes_no_call(
    application: Application, moody: MoodyTeacher
) -> None:
    query = make_query(application, "play Blur", Call("play", {"artist": "Blur"}))
    job = done(application, Scope.AGAIN, samples=4, temperature=0.7)
    query.refresh_from_db()
    assert query.call == Call("play", {"artist": "Blur"})
    assert TeacherCall.objects.filter(query=query, purpose=Purpose.RESAMPLE).count() == 4
    assert {body["temperature"] for body in moody.bodies} == {0.7}
    assert job.result["answered"] == 4
    Job.objects.update(state=JobState.QUEUED)
    begun(job)
    assert len(moody.bodies) == 4, "what is there is not asked for again"


def test_a_stopped_job_that_is_started_again_pays_for_no_answer_twice(
    application: Application, moody: MoodyTeacher
) -> None:
    make_query(application, "play Blur", Call("play", {"artist": "Blur"}))
    first = done(application, Scope.AGAIN, samples=3)
    again = job_create(application=application, kind=JobKind.LABEL, trigger=Trigger.PAGE, parameters=first.parameters)
    assert begun(again).result["answered"] == 3
    assert len(moody.bodies) == 3


def test_answers_of_a_second_job_come_beside_those_of_the_first(application: Application, moody: MoodyTeacher) -> None:
    make_query(application, "play Blur", Call("play", {"artist": "Blur"}))
    for _ in range(2):
        done(application, Scope.AGAIN, samples=2)
    assert TeacherCall.objects.filter(purpose=Purpose.RESAMPLE).count() == 4


def test_a_query_that_is_deleted_meanwhile_is_passed_over(application: Application, moody: MoodyTeacher) -> None:
    [query] = unanswered(application, 1)
    row = {"model": "large", "scope": Scope.UNANSWERED, "tool_set": query.tool_set}
    Query.objects.all().delete()
    answer = TeacherAnswer(ANSWER, "", False, 5.0, 1, 1)
    assert not label_record(query=query, answer=answer, **row)  # type: ignore[arg-type]
    assert not labels()


def test_nothing_is_chosen_where_nothing_is_missing(application: Application) -> None:
    make_query(application, "play Can", ANSWER)
    assert selected(application, scope=Scope.UNANSWERED, limit=10) is None
    assert selected(application, scope=Scope.CHANGED, limit=10) is None


def test_the_newest_are_chosen(application: Application, moody: MoodyTeacher) -> None:
    unanswered(application, 10)
    done(application, limit=3)
    assert set(moody.answered) == {"play 9", "play 8", "play 7"}


def test_no_teacher_is_asked_twice_at_a_time(application: Application, moody: MoodyTeacher) -> None:
    unanswered(application, 3)
    assert start_newest(application=application, trigger=Trigger.PAGE)
    with pytest.raises(OdiaError, match="being asked already"):
        start_newest(application=application, trigger=Trigger.PAGE, limit=2)
