"""Which functions are looked at closely, and for how long."""

from __future__ import annotations

from datetime import timedelta

import pytest

from curation.models import Application
from curation.models.traffic import Route
from curation.services.captured import TeacherAnswer
from tests.training.inline import answer_inline, play
from tests.training.learned import make_dataset, make_student
from training.models import Student
from training.selectors.watched import AFTER_NEAR_MISS, CLOSER_LOOK, watched_functions


@pytest.fixture
def student(application: Application) -> Student:
    return make_student(make_dataset(application, ["play Can"]))


def audited(student: Student, agrees: bool, minutes_ago: int) -> None:
    answer = TeacherAnswer(call=play("Can" if agrees else "Neu"))
    answer_inline(student, "play Can", play("Can"), ago=timedelta(minutes=minutes_ago), teacher=answer)


def test_a_function_is_watched_from_a_disagreement_until_enough_agreed(student: Student) -> None:
    audited(student, True, 90)
    assert watched_functions(student.application_id) == set()
    audited(student, False, 80)
    assert watched_functions(student.application_id) == {(student.version, "play_music")}
    for minute in range(CLOSER_LOOK - 1):
        audited(student, True, 70 - minute)
    assert watched_functions(student.application_id) == {(student.version, "play_music")}
    audited(student, True, 10)
    assert watched_functions(student.application_id) == set()


def test_a_disagreement_of_the_day_before_is_past(student: Student) -> None:
    audited(student, False, 25 * 60)
    assert watched_functions(student.application_id) == set()


def refused(student: Student, confidence: float, agrees: bool, minutes_ago: int) -> None:
    """The threshold is 0.9."""
    answer, ago = TeacherAnswer(call=play("Can" if agrees else "Neu")), timedelta(minutes=minutes_ago)
    answer_inline(
        student, "play Can", play("Can"), ago=ago, teacher=answer, route=Route.FALLBACK, confidence=confidence
    )


def test_after_a_near_miss_a_few_answers_are_looked_at(student: Student) -> None:
    refused(student, 0.85, False, 90)
    assert watched_functions(student.application_id) == {(student.version, "play_music")}
    for minute in range(AFTER_NEAR_MISS):
        audited(student, True, 80 - minute)
    assert watched_functions(student.application_id) == set()


@pytest.mark.parametrize(("confidence", "agrees"), [(0.85, True), (0.8, False), (0.95, False)])
def test_what_agrees_or_was_not_refused_for_little_is_no_near_miss(
    student: Student, confidence: float, agrees: bool
) -> None:
    """0.82 has half the odds of 0.9; above that it was refused for another reason."""
    refused(student, confidence, agrees, 90)
    assert watched_functions(student.application_id) == set()
