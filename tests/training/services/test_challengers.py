"""The challenger: made, given a share of the users, withdrawn, promoted; each move in the history."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from curation.errors import OdiaError
from curation.models import Application
from tests.training.learned import make_dataset, make_evaluation, make_student
from training.models import AuditTally, Dataset, Promotion, Student, SwitchOff
from training.selectors.aliases import challenger_of, champion_of
from training.services.challengers import canary_set, challenger_set, challenger_withdraw
from training.services.checks import challenger_checks
from training.services.policies import policy_of
from training.services.promotions import promote, roll_back
from training.services.switch_offs import switch_off_lift


@pytest.fixture
def dataset(application: Application) -> Dataset:
    return make_dataset(application, ["play Can"])


@pytest.fixture
def champion(dataset: Dataset) -> Student:
    return evaluated(dataset)


@pytest.fixture
def challenger(dataset: Dataset, champion: Student) -> Student:
    promote(student=champion)
    return evaluated(dataset)


def evaluated(dataset: Dataset) -> Student:
    student = make_student(dataset)
    make_evaluation(student)
    return student


def test_a_challenger_meets_no_traffic_before_it_is_given_some(challenger: Student, users: dict[str, User]) -> None:
    application = challenger.application
    challenger_set(student=challenger, user=users["approver"])
    policy = policy_of(application)
    assert (challenger_of(application), policy.canary_share, policy.shadow) == (challenger, 0.0, False)
    moved = canary_set(application=application, share=0.1, shadow=True, user=users["approver"])
    policy.refresh_from_db()
    assert (policy.canary_share, policy.shadow) == (0.1, True)
    assert "10.0% of the users, with a shadow" in moved.checks[0]["sentence"]
    assert "before: 0.0% of the users, without a shadow" in moved.checks[0]["sentence"]
    assert (moved.alias, moved.student, moved.promoted_by) == ("challenger", challenger, users["approver"])


def test_a_withdrawn_challenger_leaves_everything_to_the_champion(challenger: Student, champion: Student) -> None:
    application = challenger.application
    challenger_set(student=challenger)
    canary_set(application=application, share=0.5, shadow=True)
    challenger_withdraw(application=application)
    policy = policy_of(application)
    assert (challenger_of(application), policy.canary_share, policy.shadow) == (None, 0.0, False)
    assert champion_of(application) == champion
    with pytest.raises(OdiaError, match="There is no challenger"):
        challenger_withdraw(application=application)
    with pytest.raises(OdiaError, match="There is no challenger"):
        canary_set(application=application, share=0.5, shadow=False)


def test_a_new_challenger_starts_without_its_predecessors_share(challenger: Student, dataset: Dataset) -> None:
    challenger_set(student=challenger)
    canary_set(application=challenger.application, share=0.5, shadow=True)
    next_one = evaluated(dataset)
    assert challenger_set(student=next_one).previous == challenger
    assert policy_of(challenger.application).canary_share == 0.0


def test_a_promoted_challenger_is_champion_alone(challenger: Student, champion: Student) -> None:
    application = challenger.application
    challenger_set(student=challenger)
    canary_set(application=application, share=0.5, shadow=True)
    promote(student=challenger)
    policy = policy_of(application)
    assert (champion_of(application), challenger_of(application)) == (challenger, None)
    assert (policy.canary_share, policy.shadow) == (0.0, False)


def test_a_roll_back_takes_back_the_champion_and_no_challenger(challenger: Student, champion: Student) -> None:
    application = challenger.application
    challenger_set(student=challenger)
    canary_set(application=application, share=0.5, shadow=False)
    promote(student=challenger)
    assert roll_back(application=application).rolled_back
    assert champion_of(application) == champion
    challenger_set(student=challenger)
    roll_back(application=application)
    assert (champion_of(application), challenger_of(application)) == (None, challenger)
    with pytest.raises(OdiaError, match="no promotion to roll back"):
        roll_back(application=application)


def test_whoever_becomes_champion_by_a_roll_back_is_tried_no_more(challenger: Student, champion: Student) -> None:
    promote(student=challenger)
    challenger_set(student=champion)
    roll_back(application=champion.application)
    assert (champion_of(champion.application), challenger_of(champion.application)) == (champion, None)


def test_what_cannot_be_the_challenger_is_told_why(challenger: Student, champion: Student, dataset: Dataset) -> None:
    with pytest.raises(OdiaError, match="is the champion; a challenger is another student"):
        challenger_set(student=champion)
    with pytest.raises(OdiaError, match="It has not been evaluated yet"):
        challenger_set(student=make_student(dataset))
    with pytest.raises(OdiaError, match="No threshold keeps the disagreement within"):
        challenger_set(student=make_student(dataset, threshold=None))
    challenger_set(student=challenger)
    with pytest.raises(OdiaError, match="is the challenger already"):
        challenger_set(student=challenger)
    with pytest.raises(OdiaError, match="between 0 and 1"):
        canary_set(application=challenger.application, share=1.5, shadow=False)


def test_a_challenger_need_not_be_better_than_the_champion(challenger: Student) -> None:
    evaluation = challenger.latest_evaluation
    evaluation.figures["coverage"] = 0.01
    evaluation.save()
    challenger_set(student=challenger)
    with pytest.raises(OdiaError, match=r"It covers 1\.0% of the test split"):
        promote(student=challenger)


def test_audits_are_counted_anew_from_each_move(challenger: Student) -> None:
    AuditTally.objects.create(student=challenger, audited=100, disagreed=1)
    challenger_set(student=challenger)
    assert not AuditTally.objects.exists()


def test_what_is_switched_off_stays_off_until_a_person_turns_it_on(challenger: Student) -> None:
    off = SwitchOff.objects.create(
        application=challenger.application, student=challenger, reason="9 of 20 audited answers differed."
    )
    for refused in (lambda: promote(student=challenger), lambda: challenger_set(student=challenger)):
        with pytest.raises(
            OdiaError, match=r"Audits have switched it off: 9 of 20 .* differed\. Turn it on again first"
        ):
            refused()
    switch_off_lift(switch_off=off, user=None)
    SwitchOff.objects.create(
        application=challenger.application, student=challenger, function="play_music", reason="Too often wrong."
    )
    challenger_set(student=challenger)
    sentences = [check.sentence for check in challenger_checks(student=challenger)]
    assert "Audits have switched off play_music; the rest is in service." in sentences


def test_every_move_is_in_the_history(challenger: Student) -> None:
    application = challenger.application
    challenger_set(student=challenger)
    challenger_withdraw(application=application)
    moves = Promotion.objects.filter(application=application).values_list("alias", "student", "previous")
    assert list(moves)[:2] == [("challenger", None, challenger.pk), ("challenger", challenger.pk, None)]
