"""When a function got worse by more than chance explains."""

from __future__ import annotations

import pytest

from curation.identifiers import new_id
from curation.ml.calls import Call
from curation.models import Application
from tests.training.disagreeing import add_example, empty_evaluation
from tests.training.learned import make_evaluation, make_student
from training.models import Evaluation
from training.selectors.regressions import worse_than, worse_than_before

WRONG = Call("something else", {})


@pytest.fixture
def both(application: Application) -> tuple[Evaluation, Evaluation]:
    ours = empty_evaluation(application)
    theirs = make_evaluation(make_student(ours.student.dataset), disagreements=0)
    theirs.examples.all().delete()
    return ours, theirs


def answers(
    evaluation: Evaluation, function: str, *, right: int = 0, wrong: int = 0, served_by: str = "student"
) -> None:
    call = Call(function, {})
    for answer, times in ((call, right), (WRONG, wrong)):
        for _ in range(times):
            add_example(evaluation, call, answer, served_by=served_by)


def pairs(both: tuple[Evaluation, Evaluation], function: str, *, only_ours: int, only_theirs: int = 0) -> None:
    """So many queries that one of the two alone answers wrongly."""
    call = Call(function, {})
    for ours_wrong in [True] * only_ours + [False] * only_theirs:
        query_id = new_id()
        for evaluation, wrong in zip(both, (ours_wrong, not ours_wrong), strict=True):
            add_example(evaluation, call, WRONG if wrong else call, query_id=query_id)


@pytest.mark.parametrize(
    ("only_ours", "only_theirs", "worse"), [(4, 0, 0), (5, 0, 1), (6, 1, 0), (9, 2, 1), (0, 20, 0)]
)
def test_only_what_chance_does_not_explain_is_worse(
    only_ours: int, only_theirs: int, worse: int, both: tuple[Evaluation, Evaluation]
) -> None:
    pairs(both, "play", only_ours=only_ours, only_theirs=only_theirs)
    assert len(worse_than(*both)) == worse


def test_the_more_functions_are_tested_the_more_it_takes(both: tuple[Evaluation, Evaluation]) -> None:
    pairs(both, "play", only_ours=5)
    for number in range(20):
        pairs(both, f"quiet {number}", only_ours=2, only_theirs=2)
    assert [one.function for one in worse_than(*both)] == ["play"], "what could prove nothing is not tested"
    for number in range(3):
        pairs(both, f"noisy {number}", only_ours=4, only_theirs=4)
    assert worse_than(*both) == []
    pairs(both, "play", only_ours=3)
    assert [one.function for one in worse_than(*both)] == ["play"]


def test_what_only_one_was_asked_is_not_compared(both: tuple[Evaluation, Evaluation]) -> None:
    answers(both[0], "play", wrong=20)
    assert worse_than(*both) == []


@pytest.mark.parametrize(
    ("before", "now", "worse"),
    [
        ((98, 2), (98, 2), 0),
        ((98, 2), (96, 4), 0),
        ((98, 2), (88, 12), 1),
        ((98, 2), (100, 0), 0),
        ((3, 0), (0, 1), 0),
    ],
)
def test_against_other_examples_the_shares_of_inline_answers_are_compared(
    before: tuple[int, int], now: tuple[int, int], worse: int, both: tuple[Evaluation, Evaluation]
) -> None:
    for evaluation, (right, wrong) in zip(both, (now, before), strict=True):
        answers(evaluation, "play", right=right, wrong=wrong)
    answers(both[0], "play", wrong=50, served_by="")
    answers(both[0], "new", wrong=50)
    assert [one.function for one in worse_than_before(*both)] == ["play"] * worse
