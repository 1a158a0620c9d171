"""Whether a switch-off tells of a teacher that answers otherwise, or of a weak student."""

from __future__ import annotations

from datetime import timedelta

import pytest

from curation.identifiers import time_of
from curation.models import Application, RouterDecision
from curation.services.captured import TeacherAnswer
from tests.training.inline import answer_inline, play
from tests.training.learned import make_dataset, make_student
from training.models import Student, SwitchOff
from training.selectors.teacher_changes import changed_functions


@pytest.fixture
def student(application: Application) -> Student:
    return make_student(make_dataset(application, ["play Can"]))


def audited(student: Student, agreements: list[bool]) -> list[RouterDecision]:
    """Answers that the teacher agreed with or not, the oldest first, and the switch-off after them."""
    rows = [
        answer_inline(
            student,
            f"play Can {place}",
            play("Can"),
            ago=timedelta(hours=2) - timedelta(minutes=place),
            teacher=TeacherAnswer(call=play("Can" if agrees else "Neu")),
        )
        for place, agrees in enumerate(agreements)
    ]
    SwitchOff.objects.create(
        application=student.application, student=student, function="play_music", reason="They differ."
    )
    return rows


def test_it_changed_where_the_disagreement_sets_in(student: Student) -> None:
    rows = audited(student, [True] * 30 + [False] * 10)
    assert changed_functions(student.application) == {"play_music": time_of(rows[30].pk)}


def test_a_slip_long_before_is_not_where_it_changed(student: Student) -> None:
    rows = audited(student, [True, False] + [True] * 20 + [False] * 10)
    assert changed_functions(student.application) == {"play_music": time_of(rows[22].pk)}


def test_a_weak_student_says_nothing_of_its_teacher(student: Student) -> None:
    audited(student, [True, True, False, True] * 8)
    assert changed_functions(student.application) == {}


def test_without_a_switch_off_nothing_changed(student: Student) -> None:
    audited(student, [False] * 10)
    SwitchOff.objects.all().delete()
    assert changed_functions(student.application) == {}
