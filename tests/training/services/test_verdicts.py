"""Verdicts: what they do to the reference call, and how they are taken back."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from curation.errors import OdiaError
from curation.models import Application, Query, Review
from curation.models.reviews import Decision
from curation.selectors.query import query_state
from curation.services.query_reviews import StaleDecision, call_correct
from curation.services.undo import batch_undo
from tests.training.disagreeing import add_example, empty_evaluation, make_repeats, play
from training.models import Evaluation, EvaluationExample, Judgement
from training.models.evaluations import Verdict
from training.selectors.disagreements import last_judgement, progress_of
from training.services.verdicts import example_judge, judgement_undo, verdicts_carry_over


@pytest.fixture
def repeats(application: Application) -> list[Query]:
    return make_repeats(application)


@pytest.fixture
def evaluation(application: Application) -> Evaluation:
    return empty_evaluation(application)


@pytest.fixture
def example(evaluation: Evaluation, repeats: list[Query]) -> EvaluationExample:
    return add_example(evaluation, play("can by can"), play("can"), query=repeats[0])


@pytest.fixture
def reviewer(users: dict[str, User]) -> User:
    return users["reviewer"]


def calls(repeats: list[Query]) -> list[str]:
    found = Query.objects.in_bulk([query.pk for query in repeats])
    return [found[query.pk].arguments["artist"] for query in repeats]


def test_where_the_student_was_right_the_query_and_its_repeats_follow(
    example: EvaluationExample, repeats: list[Query], reviewer: User
) -> None:
    judgement = example_judge(example=example, verdict=Verdict.STUDENT, user=reviewer)
    assert calls(repeats) == ["can", "can", "blur"]
    reviews = Review.objects.filter(batch=judgement.batch)
    assert [(review.decision, review.reviewer) for review in reviews] == [(Decision.CORRECT, reviewer)] * 2
    judgement_undo(judgement=judgement, user=reviewer)
    assert calls(repeats) == ["can by can", "can by can", "blur"]
    assert not Query.objects.filter(corrected=True).exists()
    assert Judgement.objects.get().undone_by == reviewer


@pytest.mark.parametrize("verdict", [Verdict.TEACHER, Verdict.BOTH])
def test_where_the_teacher_was_right_too_nothing_changes(
    verdict: Verdict, example: EvaluationExample, repeats: list[Query], reviewer: User
) -> None:
    assert example_judge(example=example, verdict=verdict, user=reviewer).batch is None
    assert calls(repeats) == ["can by can", "can by can", "blur"]
    assert not Review.objects.filter(decision=Decision.CORRECT).exists()


def test_where_neither_was_right_the_correction_counts_or_the_query_stays_out(
    example: EvaluationExample, repeats: list[Query], reviewer: User
) -> None:
    judgement = example_judge(example=example, verdict=Verdict.NEITHER, user=reviewer, correction=play("CAN"))
    assert calls(repeats) == ["CAN", "CAN", "blur"]
    judgement_undo(judgement=judgement, user=reviewer)
    example_judge(example=example, verdict=Verdict.NEITHER, user=reviewer, exclude=True)
    assert calls(repeats) == ["can by can", "can by can", "blur"]
    assert list(
        Query.objects.filter(pk__in=[one.pk for one in repeats]).order_by("pk").values_list("excluded", flat=True)
    ) == [
        True,
        True,
        False,
    ]


def test_a_second_verdict_is_told_of_the_first(
    example: EvaluationExample, repeats: list[Query], users: dict[str, User]
) -> None:
    example_judge(example=example, verdict=Verdict.TEACHER, user=users["reviewer"])
    with pytest.raises(StaleDecision, match="reviewer has judged this meanwhile: the teacher was right"):
        example_judge(example=example, verdict=Verdict.STUDENT, user=users["approver"])
    assert calls(repeats)[0] == "can by can"


def test_a_query_that_was_corrected_meanwhile_is_looked_at_again(
    example: EvaluationExample, repeats: list[Query], reviewer: User
) -> None:
    seen = query_state(repeats[0])
    call_correct(query=repeats[0], call=play("somebody"), user=reviewer)
    with pytest.raises(StaleDecision, match="changed since this page was shown"):
        example_judge(example=example, verdict=Verdict.STUDENT, user=reviewer, expected=seen)
    assert not Judgement.objects.exists() and calls(repeats)[0] == "somebody"


def test_a_query_that_is_gone_is_judged_all_the_same(evaluation: Evaluation, reviewer: User) -> None:
    gone = add_example(evaluation, play("can by can"), play("can"))
    judgement = example_judge(example=gone, verdict=Verdict.STUDENT, user=reviewer)
    assert judgement.batch is None
    assert judgement_undo(judgement=judgement, user=reviewer).undone_at is not None


def test_what_was_taken_back_elsewhere_does_not_hold_up_the_verdict(
    example: EvaluationExample, repeats: list[Query], application: Application, reviewer: User
) -> None:
    judgement = example_judge(example=example, verdict=Verdict.STUDENT, user=reviewer)
    assert judgement.batch is not None
    batch_undo(application=application, batch=judgement.batch, user=reviewer)
    judgement_undo(judgement=judgement, user=reviewer)
    with pytest.raises(OdiaError, match="taken back already"):
        judgement_undo(judgement=judgement, user=reviewer)


def test_what_was_decided_since_stays_when_the_verdict_is_taken_back(
    example: EvaluationExample, repeats: list[Query], reviewer: User
) -> None:
    judgement = example_judge(example=example, verdict=Verdict.STUDENT, user=reviewer)
    call_correct(query=repeats[0], call=play("later"), user=reviewer)
    judgement_undo(judgement=judgement, user=reviewer)
    assert calls(repeats) == ["later", "can by can", "blur"]
    again = example_judge(example=example, verdict=Verdict.STUDENT, user=reviewer)
    call_correct(query=repeats[0], call=play("last"), user=reviewer)
    assert judgement_undo(judgement=again, user=reviewer).undone_at is not None
    assert calls(repeats)[0] == "last"


def test_what_agrees_is_not_judged(evaluation: Evaluation, reviewer: User) -> None:
    with pytest.raises(OdiaError, match="nothing to judge"):
        example_judge(example=add_example(evaluation, play("can"), play("can")), verdict=Verdict.TEACHER, user=reviewer)


def test_what_nobody_has_judged_counts_as_disagreement(evaluation: Evaluation, reviewer: User) -> None:
    for _ in range(96):
        add_example(evaluation, play("can"), play("can"))
    wrong = [add_example(evaluation, play("can"), play("blur")) for _ in range(4)]
    add_example(evaluation, play("can"), play("blur"), served_by="")
    before = progress_of(evaluation)
    assert (before.disagreements, before.judged, before.disagreement) == (4, 0, 0.04)
    example_judge(example=wrong[0], verdict=Verdict.STUDENT, user=reviewer)
    example_judge(example=wrong[1], verdict=Verdict.BOTH, user=reviewer)
    example_judge(example=wrong[2], verdict=Verdict.TEACHER, user=reviewer)
    after = progress_of(evaluation)
    assert (after.judged, after.waiting, after.disagreement) == (3, 1, 0.02)
    assert before.bound is not None and after.bound is not None
    assert 0.02 < after.bound < before.bound


def test_the_same_answer_is_not_judged_twice(
    application: Application, evaluation: Evaluation, example: EvaluationExample, repeats: list[Query], reviewer: User
) -> None:
    given = example_judge(example=example, verdict=Verdict.STUDENT, user=reviewer)
    later = empty_evaluation(application)
    same = add_example(later, play("can by can"), play("can"), query=repeats[0])
    other = add_example(later, play("can by can"), play("by can"), query=repeats[1])
    assert verdicts_carry_over(evaluation=later) == 1
    carried = same.judgements.get()
    assert (carried.verdict, carried.judged_by, carried.carried_from) == (Verdict.STUDENT, reviewer, given)
    assert not other.judgements.exists()
    judgement_undo(judgement=carried, user=reviewer)
    assert calls(repeats)[0] == "can" and last_judgement(later, reviewer) is None
    judgement_undo(judgement=given, user=reviewer)
    assert verdicts_carry_over(evaluation=later) == 0
