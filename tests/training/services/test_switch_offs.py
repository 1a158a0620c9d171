"""What audits switch off, what stays on, and how a person turns it on again."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from curation.errors import OdiaError
from curation.models import Application
from tests.training.inline import answer_inline, play
from tests.training.learned import make_dataset, make_student
from training.models import Alias, AuditTally, Student, SwitchOff
from training.selectors.snapshot import read_snapshot
from training.services.policies import policy_of
from training.services.switch_offs import audit_count, switch_off_lift, tallies_restart


@pytest.fixture
def student(application: Application) -> Student:
    student = make_student(make_dataset(application, ["play Can"]))
    Alias.objects.create(application=application, name="champion", student=student)
    return student


def count(
    student: Student, function: str, agreed: int = 0, disagreed: int = 0, *, picked: bool = True
) -> list[SwitchOff]:
    results = [True] * agreed + [False] * disagreed
    return [
        off
        for agrees in results
        for off in audit_count(student=student, function=function, agrees=agrees, picked=picked)
    ]


def tallies(student: Student) -> dict[str, tuple[int, int]]:
    return {tally.function: (tally.audited, tally.disagreed) for tally in AuditTally.objects.filter(student=student)}


def test_one_bad_function_is_switched_off_and_takes_its_counts_along(student: Student) -> None:
    count(student, "set_alarm", agreed=200)
    [off] = count(student, "play_music", disagreed=6)
    assert off.function == "play_music"
    assert tallies(student)[""] == (200, 0)
    entry = read_snapshot().applications[student.application_id].champion
    assert entry and entry.switched_off == ("play_music",) and not entry.stopped
    assert count(student, "play_music", disagreed=50) == []
    assert tallies(student)[""] == (200, 0)


def test_a_closer_look_at_the_weakest_function_does_not_speak_against_the_whole(student: Student) -> None:
    count(student, "set_alarm", agreed=20)
    count(student, "play_music", agreed=19, disagreed=1)
    AuditTally.objects.filter(student=student, function="play_music").update(audited=900, disagreed=40)
    assert count(student, "play_music", agreed=12, disagreed=8, picked=False) == []
    assert tallies(student) == {"": (40, 1), "play_music": (920, 48), "set_alarm": (20, 0)}


def test_a_function_takes_along_only_what_the_whole_has_counted(student: Student) -> None:
    count(student, "set_alarm", agreed=30)
    count(student, "play_music", agreed=3, disagreed=2)
    [off] = count(student, "play_music", disagreed=6, picked=False)
    assert off.function == "play_music" and off.evidence["disagreed"] > 2
    assert tallies(student)[""] == (30, 0)


def test_a_whole_that_disagrees_everywhere_is_stopped(student: Student) -> None:
    policy = policy_of(student.application)
    policy.function_epsilon = 0.5
    policy.save()
    off = [*count(student, "set_alarm", 60, 8), *count(student, "play_music", 60, 8)]
    assert [one.function for one in off] == [""]
    assert "audited answers differed from the teacher's; 2.0% may" in off[0].reason
    entry = read_snapshot().applications[student.application_id].champion
    assert entry and entry.stopped


def test_one_bad_function_is_found_out_before_it_stops_the_whole(student: Student) -> None:
    off = count(student, "play_music", disagreed=30)
    assert [one.function for one in off] == ["play_music"]


def test_a_student_within_what_is_allowed_stays_on(student: Student) -> None:
    for _ in range(10):
        assert count(student, "play_music", agreed=50, disagreed=1) == []
    assert tallies(student)["play_music"] == (510, 10)


def test_a_lifted_function_starts_anew(student: Student, users: dict[str, User]) -> None:
    count(student, "set_alarm", agreed=30, disagreed=1)
    [off] = count(student, "play_music", disagreed=6)
    due = answer_inline(student, "play Can", play("Can"))
    switch_off_lift(switch_off=off, user=users["approver"])
    off.refresh_from_db()
    due.refresh_from_db()
    assert off.lifted_at and off.lifted_by == users["approver"]
    assert tallies(student) == {"": (31, 1), "set_alarm": (31, 1)}
    assert not due.audit_due
    with pytest.raises(OdiaError, match="turned on again already"):
        switch_off_lift(switch_off=off, user=None)
    assert len(count(student, "play_music", disagreed=6)) == 1
    assert SwitchOff.objects.count() == 2


def test_a_lifted_student_starts_anew_but_for_functions_that_are_off(student: Student) -> None:
    count(student, "play_music", disagreed=6)
    policy = policy_of(student.application)
    policy.function_epsilon = 1.0
    policy.save()
    [whole] = count(student, "set_alarm", agreed=20, disagreed=6)
    switch_off_lift(switch_off=whole, user=None)
    assert set(tallies(student)) == {"play_music"}
    entry = read_snapshot().applications[student.application_id].champion
    assert entry and entry.switched_off == ("play_music",) and not entry.stopped
    assert count(student, "set_alarm", agreed=5) == []
    assert tallies(student)[""] == (5, 0)


def test_a_new_start_keeps_what_is_switched_off(student: Student) -> None:
    count(student, "play_music", disagreed=6)
    count(student, "set_alarm", agreed=6)
    tallies_restart(student=student)
    assert set(tallies(student)) == {"play_music"}
    assert SwitchOff.objects.filter(lifted_at=None).count() == 1
