"""Audits: the teacher is asked, what it says is kept once, and counts."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Sum

from curation.errors import OdiaError
from curation.ml.calls import Call
from curation.models import Application, Query, RouterDecision, TeacherCall, TrafficHour
from curation.models.traffic import Purpose, Route
from curation.services.applications import application_ensure, teacher_set
from curation.services.query_reviews import call_correct
from curation.teachers.openai_api import TeacherAnswer
from tests.training.gateway.servers import FakeTeacher, running
from tests.training.inline import answer_inline, play
from tests.training.learned import TOOLS, make_dataset, make_student
from training import tasks
from training.models import AuditTally, RoutingPolicy, Student, SwitchOff
from training.services import audits
from training.services.audit_answers import audit_record
from training.services.audits import audit_inline

WRONG, RIGHT = play("somebody else"), play("Can")


@pytest.fixture
def student(application: Application) -> Student:
    """Chance picks all its answers for an audit."""
    RoutingPolicy.objects.create(application=application, audit_share=1.0)
    return make_student(make_dataset(application, ["play Can"]))


@pytest.fixture
def teacher(application: Application) -> Iterator[FakeTeacher]:
    fake = FakeTeacher()
    fake.call = RIGHT.as_json()
    with running(fake, lifespan="off") as url:
        teacher_set(application=application, base_url=f"{url}/v1", model="large")
        yield fake


def tallies(student: Student) -> dict[str, tuple[int, int]]:
    return {tally.function: (tally.audited, tally.disagreed) for tally in AuditTally.objects.filter(student=student)}


def test_the_teacher_is_asked_what_the_application_asked(student: Student, teacher: FakeTeacher) -> None:
    decision = answer_inline(student, "play Can", play("Can"))
    earlier = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "Hello."}]
    Query.objects.filter(pk=decision.pk).update(context=earlier)
    audit_inline(application=student.application, limit=10)
    [request] = teacher.requests
    assert request["messages"] == [*earlier, {"role": "user", "content": "play Can"}]
    assert (request["model"], request["tools"]) == ("large", TOOLS)


def test_a_request_that_was_kept_is_asked_again_as_it_was(student: Student, teacher: FakeTeacher) -> None:
    decision = answer_inline(student, "play Can", play("Can"))
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "play Can"}]
    kept = {"messages": messages, "tool_choice": "required"}
    RouterDecision.objects.filter(pk=decision.pk).update(audit_request=kept)
    audit_inline(application=student.application, limit=10)
    [request] = teacher.requests
    assert request == kept | {"model": "large", "tools": TOOLS}
    assert RouterDecision.objects.get().audit_request is None, "it is not kept for longer than needed"


def test_an_audit_is_kept_and_counted_everywhere_at_once(student: Student, teacher: FakeTeacher) -> None:
    same = answer_inline(student, "play can", play("can"))
    teacher_says = audit_inline(application=student.application, limit=10)
    teacher.call = WRONG.as_json()
    other = answer_inline(student, "play Blur", play("Blur"), route=Route.MEMO)
    report = audit_inline(application=student.application, limit=10)
    assert (teacher_says.agreed, teacher_says.disagreed, report.agreed, report.disagreed) == (1, 0, 0, 1)
    assert dict(RouterDecision.objects.values_list("pk", "agrees")) == {same.pk: True, other.pk: False}
    assert not RouterDecision.objects.filter(audit_due=True).exists()
    query = Query.objects.get(pk=other.pk)
    assert query.labelled and query.call == WRONG and query.latency_ms
    kept = TeacherCall.objects.get(query=other.pk)
    assert (kept.purpose, kept.call, kept.prompt_tokens) == (Purpose.AUDIT, WRONG, 90)
    assert tallies(student) == {"": (2, 1), "play_music": (2, 1)}
    hours = TrafficHour.objects.order_by("route")
    sums = hours.values_list("route", "requests", "audited", "picked", "picked_disagreed")
    assert list(sums) == [("memo", 1, 1, 1, 1), ("student", 1, 1, 1, 0)]


def test_several_calls_of_the_teacher_are_a_disagreement(student: Student, teacher: FakeTeacher) -> None:
    decision = answer_inline(student, "play Can", play("Can"))
    function = {"name": "play_music", "arguments": '{"artist": "Can"}'}
    calls = [{"id": str(number), "type": "function", "function": function} for number in range(2)]
    teacher.raw = json.dumps({"choices": [{"message": {"role": "assistant", "tool_calls": calls}}]}).encode()
    assert audit_inline(application=student.application, limit=10).disagreed == 1
    query = Query.objects.get(pk=decision.pk)
    assert query.labelled and query.several_calls


def test_a_persons_correction_stands_and_is_what_counts(student: Student, teacher: FakeTeacher) -> None:
    decision = answer_inline(student, "play Can", play("Can"))
    call_correct(query=Query.objects.get(pk=decision.pk), call=play("Blur"), user=None)
    assert audit_inline(application=student.application, limit=10).disagreed == 1
    query = Query.objects.get(pk=decision.pk)
    assert query.corrected and query.call == play("Blur")
    assert TeacherCall.objects.get(query=decision.pk).call == play("Can")


def test_an_answer_counts_once_whoever_brings_it(student: Student, teacher: FakeTeacher) -> None:
    decision = answer_inline(student, "play Can", play("Can"))
    answer = TeacherAnswer(play("Can"), "", False, 900.0, 1, 1)
    assert audit_record(decision=decision, answer=answer, model="large") is not None
    assert audit_record(decision=decision, answer=answer, model="large") is None
    assert audit_inline(application=student.application, limit=10).asked == 0
    assert TeacherCall.objects.count() == 1 and tallies(student)[""] == (1, 0)
    assert sum(TrafficHour.objects.values_list("audited", flat=True)) == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_count_every_answer_once(student: Student) -> None:
    decisions = [answer_inline(student, f"play {number}", play("Can")) for number in range(12)]
    answer = TeacherAnswer(play("Can"), "", False, 900.0, 1, 1)

    def work(order: list[RouterDecision]) -> int:
        try:
            return sum(audit_record(decision=one, answer=answer, model="large") is not None for one in order)
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as workers:
        counted = list(workers.map(work, [decisions, decisions[::-1], decisions[6:] + decisions[:6]]))
    assert sum(counted) == 12
    assert tallies(student) == {"": (12, 0), "play_music": (12, 0)}
    assert TeacherCall.objects.count() == sum(TrafficHour.objects.values_list("audited", flat=True)) == 12


def test_the_newest_come_first_and_old_ones_are_dropped(student: Student, teacher: FakeTeacher) -> None:
    for minutes in (30, 10, 20):
        answer_inline(student, f"play {minutes}", play("Can"), ago=timedelta(minutes=minutes))
    old = answer_inline(student, "play yesterday", play("Can"), ago=timedelta(hours=25))
    report = audit_inline(application=student.application, limit=2)
    assert (report.asked, report.expired) == (2, 1)
    assert {request["messages"][-1]["content"] for request in teacher.requests} == {"play 10", "play 20"}
    old.refresh_from_db()
    assert (old.audit_due, old.agrees) == (False, None)


def test_while_the_teacher_is_away_the_round_ends_and_all_stays_due(student: Student, teacher: FakeTeacher) -> None:
    for number in range(10):
        answer_inline(student, f"play {number}", play("Can"))
    teacher.status = 503
    report = audit_inline(application=student.application, limit=10)
    assert (report.asked, report.failed, len(teacher.requests)) == (4, 4, 4)
    assert "503" in report.problem
    assert RouterDecision.objects.filter(audit_due=True).count() == 10
    teacher.status = 200
    assert audit_inline(application=student.application, limit=10).agreed == 10


@pytest.mark.parametrize("refusal", [{"status": 400}, {"raw": b'{"choices": []}'}])
def test_a_query_that_the_teacher_cannot_answer_is_given_up(
    refusal: dict[str, object], student: Student, teacher: FakeTeacher
) -> None:
    for number in range(6):
        answer_inline(student, f"play {number}", play("Can"))
    for name, value in refusal.items():
        setattr(teacher, name, value)
    report = audit_inline(application=student.application, limit=10)
    assert (report.given_up, report.failed) == (6, 0)
    assert not RouterDecision.objects.filter(audit_due=True).exists()
    assert tallies(student) == {}


def test_a_student_that_disagrees_is_switched_off_with_its_figures(student: Student, teacher: FakeTeacher) -> None:
    teacher.call = WRONG.as_json()
    for number in range(8):
        answer_inline(student, f"play {number}", play("Can"))
    report = audit_inline(application=student.application, limit=10)
    assert report.disagreed == 8
    off = SwitchOff.objects.get(function="play_music")
    assert off.student == student
    assert "audited answers of play_music differed from the teacher's; 5.0% may" in off.reason
    assert off.evidence["disagreed"] == off.evidence["audited"] <= 8
    assert any("play_music is switched off" in sentence for sentence in report.switched_off)


def test_after_a_disagreement_the_newest_answers_of_its_function_are_looked_at(
    student: Student, teacher: FakeTeacher
) -> None:
    slip = answer_inline(student, "play Neu", WRONG)
    alike = [answer_inline(student, "play Can", RIGHT, audit=False) for _ in range(audits.LOOKED_BACK + 5)]
    other = answer_inline(student, "pause", Call("pause"), audit=False)
    old = answer_inline(student, "play Can", RIGHT, audit=False, ago=timedelta(days=2))
    audit_inline(application=student.application, limit=10)
    due = set(RouterDecision.objects.filter(audit_due=True).values_list("pk", flat=True))
    assert due == {row.pk for row in alike[-audits.LOOKED_BACK :]}
    assert not due & {slip.pk, other.pk, old.pk}


def test_a_closer_look_counts_for_its_function_and_not_for_the_whole(student: Student, teacher: FakeTeacher) -> None:
    answer_inline(student, "play Neu", WRONG)
    for _ in range(4):
        answer_inline(student, "play Can", RIGHT, audit=False)
    audit_inline(application=student.application, limit=1)
    assert tallies(student) == {"": (1, 1), "play_music": (1, 1)}
    RoutingPolicy.objects.update(audit_share=0.0)
    audit_inline(application=student.application, limit=10)
    assert tallies(student) == {"": (1, 1), "play_music": (5, 1)}
    hours = TrafficHour.objects.aggregate(Sum("audited"), Sum("picked"), Sum("picked_disagreed"))
    assert list(hours.values()) == [5, 1, 1], "pages go by what stands for all inline answers"


def test_an_agreement_makes_nothing_else_due(student: Student, teacher: FakeTeacher) -> None:
    answer_inline(student, "play Can", RIGHT)
    answer_inline(student, "play Can", RIGHT, audit=False)
    audit_inline(application=student.application, limit=10)
    assert not RouterDecision.objects.filter(audit_due=True).exists()


def test_only_one_process_at_a_time_audits_an_application(student: Student, teacher: FakeTeacher) -> None:
    answer_inline(student, "play Can", play("Can"))
    other = connection.copy()
    try:
        keys = [audits.LOCK, student.application_id]
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", keys)
            assert audit_inline(application=student.application, limit=10).asked == 0
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", keys)
    finally:
        other.close()
    assert audit_inline(application=student.application, limit=10).asked == 1


def test_without_a_teacher_or_its_key_a_sentence_says_so(student: Student, monkeypatch: pytest.MonkeyPatch) -> None:
    answer_inline(student, "play Can", play("Can"))
    with pytest.raises(OdiaError, match="has no teacher"):
        audit_inline(application=student.application, limit=1)
    monkeypatch.delenv("KEY_OF_NOBODY", raising=False)
    address = "http://127.0.0.1:9/v1"
    teacher_set(application=student.application, base_url=address, model="m", api_key_env="KEY_OF_NOBODY")
    with pytest.raises(OdiaError, match="KEY_OF_NOBODY"):
        audit_inline(application=student.application, limit=1)
    tasks.audit()
    assert RouterDecision.objects.filter(audit_due=True).count() == 1


def test_an_application_whose_audits_break_off_holds_up_no_other(
    student: Student, teacher: FakeTeacher, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answer_inline(student, "play Can", play("Can"))
    other = make_student(make_dataset(application_ensure(slug="another"), ["play Can"]))
    teacher_set(application=other.application, base_url="http://127.0.0.1:9/v1", model="m")
    answer_inline(other, "play Can", play("Can"))
    asked = []

    def audit(*, application: Application, limit: int) -> None:
        asked.append(application)
        raise RuntimeError("Nobody expected this.")

    monkeypatch.setattr(tasks, "audit_inline", audit)
    tasks.audit()
    assert set(asked) == {student.application, other.application}
    assert "The audits of another broke off" in caplog.text and "Nobody expected this." in caplog.text


def test_the_task_audits_what_is_due(student: Student, teacher: FakeTeacher) -> None:
    answer_inline(student, "play Can", play("Can"))
    answer_inline(student, "play Blur", play("Blur"), audit=False)
    tasks.audit()
    assert len(teacher.requests) == 1
    tasks.audit()
    assert len(teacher.requests) == 1


def test_the_command_asks_about_what_is_due_and_then_the_newest(student: Student, teacher: FakeTeacher) -> None:
    answer_inline(student, "play old", play("Can"), ago=timedelta(minutes=60))
    for minutes in (30, 10, 20):
        answer_inline(student, f"play {minutes}", play("Can"), audit=False, ago=timedelta(minutes=minutes))
    out = io.StringIO()
    call_command("audit", application="music", limit=3, json=True, stdout=out)
    printed = json.loads(out.getvalue().splitlines()[-1])
    assert (printed["asked"], printed["agreed"], printed["disagreed"]) == (3, 3, 0)
    asked = {request["messages"][-1]["content"] for request in teacher.requests}
    assert asked == {"play old", "play 10", "play 20"}


def test_the_command_fails_with_the_teachers_sentence(student: Student, teacher: FakeTeacher) -> None:
    answer_inline(student, "play Can", play("Can"))
    teacher.status = 401
    with pytest.raises(CommandError, match="refuses the key"):
        call_command("audit", application="music")
    with pytest.raises(CommandError, match="--limit must be at least 1"):
        call_command("audit", application="music", limit=0)
