"""From a student to the champion: canary, widening, promotion."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from curation.models import Application
from tests.training.autopilot.piloting import (
    TEXTS,
    asked,
    covers,
    done,
    evaluated,
    on_all_users,
    step,
)
from tests.training.inline import answer_inline, play
from tests.training.learned import make_dataset, make_evaluation, make_student
from training.models import AutopilotAction, Evaluation, Student, SwitchOff
from training.models.autopilot import AutopilotStep as Step
from training.selectors.aliases import challenger_of, champion_of
from training.services.challengers import canary_set, challenger_set, challenger_withdraw
from training.services.policies import policy_of
from training.services.promotions import roll_back


def switch_off(student: Student) -> None:
    SwitchOff.objects.create(application=student.application, student=student, function="", reason="9 of 20 differed.")


def test_without_a_champion_a_student_that_passes_every_check_is_promoted(piloted: Application) -> None:
    student = evaluated(make_dataset(piloted, TEXTS))
    assert done(piloted) == ["promote"]
    assert champion_of(piloted) == student
    assert student.promotions.get().promoted_by is None
    assert done(piloted) == []


def test_a_student_that_fails_a_check_is_asked_about_once(piloted: Application) -> None:
    make_evaluation(make_student(make_dataset(piloted, TEXTS), threshold=None))
    [question] = asked(piloted)
    assert question.step == Step.PROMOTE and "No threshold keeps the disagreement" in question.sentence
    assert len(asked(piloted)) == 1
    assert champion_of(piloted) is None


def test_a_new_student_is_tried_widened_and_promoted(piloted: Application, challenger: Student) -> None:
    assert challenger_of(piloted) == challenger
    shares = [policy_of(piloted).canary_share]
    for _ in range(3):
        assert done(piloted) == [], "not before it has given enough answers"
        for _ in range(3):
            answer_inline(challenger, "play Can", play("Can"), ago=timedelta(0))
        assert done(piloted) == ["widen"]
        shares.append(policy_of(piloted).canary_share)
    assert shares == [0.05, 0.25, 0.5, 1.0]
    for _ in range(3):
        answer_inline(challenger, "play Can", play("Can"), ago=timedelta(0))
    assert done(piloted) == [], "it waits for live traffic to be held against, but not for ever"
    evaluated(challenger.dataset)
    piloted.promotions.update(created_at=timezone.now() - timedelta(days=8))
    assert done(piloted)[0] == "promote", "no newer student takes the place of one that has passed"
    assert champion_of(piloted) == challenger
    assert set(piloted.promotions.values_list("promoted_by", flat=True)) == {None}


def test_a_challenger_that_audits_switched_off_is_withdrawn_for_good(piloted: Application, challenger: Student) -> None:
    switch_off(challenger)
    assert done(piloted) == ["widen"]
    assert challenger_of(piloted) is None
    assert "9 of 20 differed." in AutopilotAction.objects.filter(step="widen").latest("pk").sentence
    assert done(piloted) == []


def test_a_challenger_that_is_not_fit_to_become_champion_is_not_widened_to_all_users(
    piloted: Application, challenger: Student
) -> None:
    covers(challenger, 0.01)
    canary_set(application=piloted, share=0.5, shadow=False)
    for _ in range(3):
        answer_inline(challenger, "play Can", play("Can"), ago=timedelta(0))
    [question] = asked(piloted)
    assert question.step == Step.WIDEN and "It covers 1.0% of the test split" in question.sentence
    assert policy_of(piloted).canary_share == 0.5


def test_a_student_that_could_not_be_promoted_is_not_tried_either(piloted: Application, candidate: Student) -> None:
    covers(candidate, 0.01)
    [question] = asked(piloted)
    assert question.step == Step.CANARY and "It covers 1.0% of the test split" in question.sentence
    assert challenger_of(piloted) is None


def test_a_challenger_that_cannot_become_champion_makes_way_for_a_newer_student(
    piloted: Application, challenger: Student
) -> None:
    covers(challenger, 0.01)
    newer = evaluated(challenger.dataset)
    assert done(piloted) == ["canary"]
    assert challenger_of(piloted) == newer
    assert f"in place of {challenger}" in AutopilotAction.objects.filter(step="canary").latest("pk").sentence


def test_a_challenger_that_is_worse_on_live_traffic_makes_way_for_a_newer_student(
    piloted: Application, challenger: Student
) -> None:
    live = make_evaluation(challenger)
    Evaluation.objects.filter(pk=live.pk).update(dataset=None, regressions=[{"function": "play_music"}])
    newer = evaluated(challenger.dataset)
    assert done(piloted) == ["canary"]
    assert challenger_of(piloted) == newer


def test_a_challenger_that_a_person_chose_has_its_time_whatever_the_checks_say(
    piloted: Application, candidate: Student, users: dict[str, User]
) -> None:
    covers(candidate, 0.01)
    challenger_set(student=candidate, user=users["approver"])
    newer = evaluated(candidate.dataset)
    assert done(piloted) == []
    piloted.promotions.update(created_at=timezone.now() - timedelta(days=8))
    assert done(piloted) == ["canary"]
    assert challenger_of(piloted) == newer


def test_where_no_champion_serves_a_newer_student_is_promoted_past_a_challenger_that_is_not_fit(
    champion: Student, challenger: Student
) -> None:
    covers(challenger, 0.01)
    newer = evaluated(challenger.dataset)
    switch_off(champion)
    assert done(champion.application) == ["promote"]
    assert champion_of(champion.application) == newer


def test_where_no_champion_serves_a_challenger_that_is_fit_comes_first_however_long_it_took(
    champion: Student, challenger: Student
) -> None:
    covers(evaluated(challenger.dataset), 0.01)
    champion.application.promotions.update(created_at=timezone.now() - timedelta(days=8))
    switch_off(champion)
    assert done(champion.application) == ["promote"]
    assert champion_of(champion.application) == challenger


def test_audits_that_speak_against_a_challenger_hold_it_up_until_a_newer_student_comes(
    piloted: Application, challenger: Student
) -> None:
    on_all_users(piloted, challenger)
    challenger.tallies.create(function="", audited=40, disagreed=20)
    newer = evaluated(challenger.dataset)
    assert done(piloted) == []
    assert "the audits speak against it" in step(piloted, Step.PROMOTE).sentence
    piloted.promotions.update(created_at=timezone.now() - timedelta(days=8))
    assert done(piloted) == ["canary"]
    assert challenger_of(piloted) == newer


def test_a_newer_student_waits_for_the_end_of_a_trial_but_not_for_ever(
    piloted: Application, challenger: Student
) -> None:
    newer = evaluated(challenger.dataset)
    assert done(piloted) == []
    assert step(piloted, Step.CANARY).sentence == f"{newer} waits until the trial of {challenger} has ended."
    piloted.promotions.update(created_at=timezone.now() - timedelta(days=8))
    assert done(piloted) == ["canary"]
    assert challenger_of(piloted) == newer


def test_what_a_person_withdrew_or_rolled_back_is_not_tried_again(
    piloted: Application, challenger: Student, users: dict[str, User]
) -> None:
    challenger_withdraw(application=piloted, user=users["approver"])
    assert done(piloted) == []
    roll_back(application=piloted, user=users["approver"])
    assert done(piloted) == []
    assert champion_of(piloted) is None


def test_a_champion_that_cannot_serve_any_more_is_replaced_at_once(champion: Student, candidate: Student) -> None:
    application = champion.application
    switch_off(champion)
    assert done(application) == ["promote"]
    assert champion_of(application) == candidate


def test_a_whole_student_that_audits_switched_off_is_asked_about(champion: Student) -> None:
    application = champion.application
    switch_off(champion)
    [question] = asked(application)
    assert question.step == Step.PROMOTE and "turn it on again, or let a new one learn" in question.sentence
