"""Which functions are looked at closely, and for how long."""

from __future__ import annotations

from datetime import timedelta

import pytest

from curation.models import Application
from curation.services.captured import TeacherAnswer
from tests.training.inline import answer_inline, play
from tests.training.learned import make_dataset, make_student
from training.models import Student
from training.selectors.watched import CLOSER_LOOK, watched_functions


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
