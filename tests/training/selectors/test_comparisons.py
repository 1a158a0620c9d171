from __future__ import annotations

import pytest

from curation.identifiers import new_id
from curation.models import Application
from tests.training.disagreeing import add_example, empty_evaluation, play
from tests.training.learned import make_evaluation, make_student
from training.models import DatasetExample, Evaluation
from training.selectors.comparisons import compare, rows_page

RIGHT, WRONG = play("can"), play("blur")


@pytest.fixture
def both(application: Application) -> tuple[Evaluation, Evaluation]:
    """Of ten common queries the student alone gets three right and the champion one; each has one of its own."""
    ours = empty_evaluation(application)
    theirs = make_evaluation(make_student(ours.student.dataset), disagreements=0)
    theirs.examples.all().delete()
    for ours_right, theirs_right, times in ((True, False, 3), (False, True, 1), (True, True, 5), (False, False, 1)):
        for _ in range(times):
            query_id = new_id()
            add_example(ours, RIGHT, RIGHT if ours_right else WRONG, query_id=query_id)
            add_example(theirs, RIGHT, RIGHT if theirs_right else WRONG, query_id=query_id)
    add_example(ours, RIGHT, RIGHT)
    add_example(theirs, RIGHT, RIGHT)
    return ours, theirs


def test_only_what_both_were_asked_is_compared(both: tuple[Evaluation, Evaluation]) -> None:
    comparison = compare(*both)
    assert (comparison.examples, comparison.won, comparison.lost, comparison.net) == (10, 3, 1, 2)
    assert comparison.chance == pytest.approx(0.625) and comparison.is_chance
    assert comparison.learned == 0


def test_won_and_lost_are_listed_with_both_answers(both: tuple[Evaluation, Evaluation]) -> None:
    won, lost = rows_page(*both, "won"), rows_page(*both, "lost")
    assert [(row.example.student_call, row.other.student_call) for row in won.rows] == [(RIGHT, WRONG)] * 3
    assert [(row.example.student_call, row.other.student_call) for row in lost.rows] == [(WRONG, RIGHT)]
    assert rows_page(*both, "won", function="volume").rows == []
    assert rows_page(*both, "won", after=won.rows[1].example.pk).rows == won.rows[2:]


def test_queries_that_the_other_learned_from_are_counted(both: tuple[Evaluation, Evaluation]) -> None:
    ours, theirs = both
    other_dataset = empty_evaluation(ours.student.application).student.dataset
    theirs.student.dataset = other_dataset
    theirs.student.save()
    row = theirs.examples.first()
    assert row is not None
    DatasetExample.objects.create(
        dataset=other_dataset, split="train", route="simple", query_id=row.query_id, text=row.text, weight=1
    )
    assert compare(ours, Evaluation.objects.get(pk=theirs.pk)).learned == 1
