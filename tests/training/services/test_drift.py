"""What a look for drift finds in traffic, what is an alarm, and what is none."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from curation.identifiers import new_id
from curation.ml.calls import Call
from curation.models import Application, Query, RouterDecision
from curation.models.traffic import Source
from curation.services.capture import capture
from curation.services.captured import Capture, TeacherAnswer
from curation.services.clustering import cluster_traffic
from curation.teachers import openai_api
from tests.training.inline import answer_inline, play
from tests.training.learned import make_dataset, make_student
from tests.training.services.conftest import quiet
from training.models import Dataset, DriftReport, Student, SwitchOff
from training.selectors import drift as selectors
from training.services import drift as service
from training.services.audit_answers import audit_record
from training.services.drift import drift_look
from training.services.drift_alarms import (
    Recognised,
    disagreement_alarms,
    function_alarm,
    function_moves,
    unknown_alarm,
)
from training.services.policies import policy_of

NOW = timezone.now().replace(microsecond=0)
ARTISTS = ["abba", "adele", "blur", "cher", "dido", "enya", "garbage", "hole", "keane", "lorde"]
FOOD = ["pizza", "sushi", "tacos", "a salad", "noodles", "a burger"]
INTENTS: dict[str, Any] = {
    "play": lambda n: (
        f"{['play', 'put on', 'start', 'i want to hear'][n % 4]} {ARTISTS[n % 10]}",
        Call("play_music", {"artist": ARTISTS[n % 10]}),
    ),
    "wake": lambda n: (
        f"{['wake me at', 'set an alarm for', 'get me up at'][n % 3]} {n % 12} o'clock",
        Call("set_alarm", {"hour": n % 12}),
    ),
    "food": lambda n: (
        f"{['order', 'get me', 'i am hungry for', 'bring'][n % 4]} {FOOD[n % 6]} from the restaurant",
        Call("order_food", {"dish": FOOD[n % 6]}),
    ),
    "talk": lambda n: (f"how are you {['today', 'doing', 'my friend'][n % 3]}", None),
}
MIX = {"play": 50, "wake": 40, "talk": 10}
CHANGED = {"play": 35, "wake": 20, "talk": 10, "food": 35}


def arrive(application: Application, mix: dict[str, int], total: int, until: datetime) -> None:
    """So many queries in an hour, with the teacher's answers, by shares of a hundred."""
    draw = np.random.default_rng(total)
    names = draw.choice(list(mix), size=total, p=np.array(list(mix.values())) / sum(mix.values()))
    rows = []
    for number, name in enumerate(names):
        text, call = INTENTS[name](int(draw.integers(1000)))
        at = until - timedelta(hours=1) * (1 - number / total)
        rows.append(
            Capture(
                id=new_id(at),
                application_id=application.pk,
                tool_set_id=None,
                text=text,
                arrived_at=at,
                source=Source.IMPORT,
                answer=TeacherAnswer(call=call),
            )
        )
    capture(rows)


def look(application: Application) -> DriftReport:
    return drift_look(application=application, report=quiet, now=NOW)


def kinds(report: DriftReport) -> list[str]:
    return [alarm["kind"] for alarm in report.alarms]


@pytest.fixture
def clustered(application: Application) -> Application:
    """A week of traffic that was clustered."""
    arrive(application, MIX, 300, NOW - timedelta(days=2))
    cluster_traffic(application=application, report=quiet)
    return application


@pytest.fixture
def champion(application: Application) -> Student:
    student = make_student(make_dataset(application, [f"play {name}" for name in ARTISTS]))
    Dataset.objects.update(created_at=timezone.now() - timedelta(hours=1))
    student.refresh_from_db()
    application.aliases.create(name="champion", student=student)
    policy = policy_of(application)
    policy.audit_share = 1.0
    policy.save()
    return student


# Traffic


def test_new_intents_are_alarms_until_they_are_clustered(clustered: Application) -> None:
    arrive(clustered, CHANGED, 200, NOW)
    report = look(clustered)
    assert kinds(report) == ["unknown", "function_share"]
    unknown, moved = report.alarms
    assert report.queries == 200
    assert report.unknown_share == pytest.approx(0.35, abs=0.12)
    assert f"{report.unknown_share:.1%}" in unknown["sentence"] and "the week before" in unknown["sentence"]
    assert "order_food" in moved["sentence"] and "did not come before" in moved["sentence"]
    examples = Query.objects.filter(pk__in=unknown["queries"])
    assert {query.function for query in examples} == {"order_food"} and len(examples) > 1
    cluster_traffic(application=clustered, report=quiet)
    later = look(clustered)
    assert kinds(later) == ["function_share"], "what was clustered is known"
    assert (later.unknown_share or 0) < 0.1


def test_traffic_as_before_is_no_alarm(clustered: Application) -> None:
    arrive(clustered, MIX, 250, NOW)
    report = look(clustered)
    assert report.alarms == []
    assert report.unknown_share is not None and report.unknown_share < 0.1
    shares = {row["function"]: (row["before"], row["now"]) for row in report.functions}
    assert set(shares) == {"play_music", "set_alarm", ""}
    assert sum(now for _, now in shares.values()) == pytest.approx(1.0)
    moves = [abs(now - before) for before, now in shares.values()]
    assert moves == sorted(moves, reverse=True)
    assert not any(row["moved"] for row in report.functions)


def test_little_traffic_says_nothing(clustered: Application) -> None:
    arrive(clustered, {"food": 100}, selectors.LEAST_QUERIES - 1, NOW)
    report = look(clustered)
    assert (report.queries, report.alarms, report.functions) == (99, [], [])
    assert report.unknown_share is None
    arrive(clustered, {"food": 100}, 1, NOW)
    assert kinds(look(clustered)) == ["unknown", "function_share"]


def test_without_traffic_before_there_is_nothing_to_compare_with(application: Application) -> None:
    arrive(application, MIX, 150, NOW)
    report = look(application)
    assert (report.alarms, report.unknown_share) == ([], None)
    assert {row["before"] for row in report.functions} == {None}
    assert report.functions[0]["function"] == "play_music"


def test_the_measure_is_what_the_champion_learned_from(application: Application) -> None:
    arrive(application, MIX, 300, NOW - timedelta(days=20))
    arrive(application, CHANGED, 300, NOW - timedelta(days=3))
    arrive(application, MIX, 300, NOW)
    assert kinds(look(application)) == ["function_share"], "the week before was otherwise"
    student = make_student(make_dataset(application, ["play Can"]))
    Dataset.objects.update(created_at=NOW - timedelta(days=10))
    application.aliases.create(name="champion", student=student)
    assert look(application).alarms == []
    arrive(application, {"wake": 100}, 200, NOW)
    [alarm] = look(application).alarms
    assert f"the traffic that {student} learned from" in alarm["sentence"]


def test_no_more_is_read_than_the_newest_queries(application: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selectors, "LOOKED_AT", 120)
    arrive(application, {"food": 100}, 300, NOW - timedelta(hours=5))
    arrive(application, MIX, 150, NOW)
    report = look(application)
    assert report.queries == 120
    assert NOW - timedelta(hours=1) < report.window_from < NOW - timedelta(minutes=40)
    assert "order_food" not in {row["function"] for row in report.functions}


def test_old_reports_go(application: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "KEPT", 3)
    reports = [look(application) for _ in range(5)]
    assert list(application.drift_reports.all()) == reports[:1:-1]


# Chance


def test_the_same_mix_hardly_ever_is_an_alarm() -> None:
    draw = np.random.default_rng(7)
    shares = draw.dirichlet(np.ones(25))
    false = Counter[str]()
    for _ in range(500):
        before, now = (
            Counter({f"f{place}": int(count) for place, count in enumerate(draw.multinomial(total, shares)) if count})
            for total in (3000, 400)
        )
        false["share"] += bool(function_alarm(function_moves(now, before), "before"))
        seen = [Recognised(total, int(draw.binomial(total, 0.2))) for total in (200, 1000)]
        false["unknown"] += bool(unknown_alarm(seen[0], seen[1], "before"))
    assert false["share"] <= 10 and false["unknown"] <= 12


def test_a_real_change_is_found_nearly_always() -> None:
    draw = np.random.default_rng(8)
    found = 0
    for _ in range(100):
        before = Counter(a=int(draw.binomial(2000, 0.5)), b=1000)
        now = Counter(a=int(draw.binomial(400, 0.3)), b=300)
        found += bool(function_alarm(function_moves(now, before), "before"))
    assert found >= 95


@pytest.mark.parametrize(("now", "alarms"), [((300, 45), 0), ((300, 90), 1), ((10, 3), 0), ((100_000, 14_900), 0)])
def test_more_is_unknown_by_chance_and_by_much(now: tuple[int, int], alarms: int) -> None:
    assert len(unknown_alarm(Recognised(*now), Recognised(1000, 100), "the week")) == alarms


def test_a_function_that_appears_is_named_however_rare_others_are() -> None:
    before = Counter({f"f{place}": 100 for place in range(20)})
    rows = function_moves(before + Counter(new=40), before)
    [alarm] = function_alarm(rows, "the week before")
    assert alarm["sentence"] == "Calls have other shares than in the week before: new 2.0% (it did not come before)."
    assert function_alarm(function_moves(before + Counter(new=2), before), "the week before") == []


def test_a_small_move_of_much_traffic_is_no_alarm() -> None:
    before, now = Counter(a=50_000, b=50_000), Counter(a=48_100, b=51_900)
    assert function_alarm(function_moves(now, before), "before") == []
    assert len(function_alarm(function_moves(Counter(a=47_900, b=52_100), before), "before")) == 1


# Audits


def answer(student: Student, right: int, wrong: int, function: str = "play_music", ago: int = 5) -> None:
    """Audited inline answers, minutes ago; what the audits switch off by themselves is forgotten."""
    for number in range(right + wrong):
        call = Call(function, {"artist": "can"})
        decision = answer_inline(student, f"play can {number}", call, ago=timedelta(minutes=ago))
        again = play("someone else") if number < wrong else call
        audit_record(decision=decision, answer=openai_api.TeacherAnswer(again, "", False, 900.0, 1, 1), model="large")
    SwitchOff.objects.all().delete()


def audited_report(student: Student) -> DriftReport:
    arrive(student.application, MIX, 100, timezone.now())
    return drift_look(application=student.application, report=quiet)


def test_answers_that_differ_more_than_is_allowed_are_an_alarm(champion: Student) -> None:
    answer(champion, right=20, wrong=20)
    report = audited_report(champion)
    assert [(alarm["kind"], alarm["function"]) for alarm in report.alarms] == [
        ("disagreement", ""),
        ("disagreement", "play_music"),
    ]
    assert report.alarms[1]["sentence"].startswith("20 of 40 audited answers of play_music differ")
    day = {row["function"]: (row["audited"], row["disagreed"]) for row in report.audits}
    assert day == {"": (40, 20), "play_music": (40, 20)}


def test_what_audits_switched_off_and_what_is_within_bounds_is_none(champion: Student) -> None:
    answer(champion, right=39, wrong=1)
    assert audited_report(champion).alarms == []
    answer(champion, right=20, wrong=20, function="set_alarm")
    SwitchOff.objects.create(
        application=champion.application, student=champion, function="set_alarm", reason="20 of 40."
    )
    assert audited_report(champion).alarms == []


@pytest.mark.parametrize("function", ["", "play_music"])
def test_what_is_switched_off_of_the_challenger_silences_no_alarm_about_the_champion(
    function: str, champion: Student
) -> None:
    challenger = make_student(champion.dataset)
    champion.application.aliases.create(name="challenger", student=challenger)
    answer(champion, right=20, wrong=20)
    answer(challenger, right=0, wrong=30)
    SwitchOff.objects.create(application=champion.application, student=challenger, function=function, reason="All.")
    alarms = [alarm for alarm in audited_report(champion).alarms if alarm["kind"] == "disagreement"]
    assert [alarm["function"] for alarm in alarms] == ["", "play_music"]
    assert alarms[1]["sentence"].startswith("20 of 40 audited answers of play_music differ")


def test_answers_of_students_that_are_gone_and_of_days_ago_are_no_alarm(champion: Student) -> None:
    answer(champion, right=10, wrong=30, ago=60 * 30)
    other = make_student(champion.dataset)
    answer(other, right=10, wrong=30)
    report = audited_report(champion)
    assert report.alarms == []
    assert sum(row["audited"] for row in report.audits if row["function"] == "") == 80


def test_a_teacher_that_answers_otherwise_is_an_alarm_until_that_is_learned(champion: Student) -> None:
    answer(champion, right=0, wrong=20)
    SwitchOff.objects.create(application=champion.application, student=champion, function="play_music", reason="All.")
    report = audited_report(champion)
    assert [(alarm["kind"], alarm["function"]) for alarm in report.alarms] == [("teacher_changed", "play_music")]
    Dataset.objects.update(created_at=timezone.now())
    assert audited_report(champion).alarms == []


def test_all_functions_together_are_judged_by_what_chance_picked(champion: Student) -> None:
    policy = policy_of(champion.application)
    answer(champion, right=20, wrong=20)
    audited = selectors.audited_answers(champion.application, timezone.now() - timedelta(days=1))
    assert len(audited) == RouterDecision.objects.exclude(agrees=None).count() == 40
    policy.audit_share = 0.0
    assert [alarm["function"] for alarm in disagreement_alarms(audited, policy, set())] == ["play_music"]
    assert disagreement_alarms(audited, policy, {(champion.version, "")}) == []
