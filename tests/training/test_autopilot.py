"""The autopilot's decisions, one by one, on rows as the loop leaves them."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from curation.errors import OdiaError
from curation.models import Application, Cluster, Job, Query, Review
from curation.models.jobs import JobKind, JobState, Trigger
from curation.models.reviews import Decision
from curation.services.applications import application_ensure
from curation.services.cluster_reviews import cluster_decide
from tests.curation.traffic import EVIDENCE, make_cluster, make_clustering, make_query
from tests.training.inline import answer_inline, play
from tests.training.learned import make_dataset, make_evaluation, make_run, make_student
from tests.training.live import Pupil, arrive, serve
from training import tasks
from training.autopilot import autopilot_tick, tick_all
from training.models import AutopilotAction, Dataset, DriftReport, Evaluation, RoutingPolicy, Student, SwitchOff
from training.models.autopilot import AutopilotStep as Step
from training.models.datasets import DatasetStatus
from training.selectors.aliases import challenger_of, champion_of
from training.selectors.autopilot import Proposal
from training.services.autopilot import autopilot_change
from training.services.autopilot_plan import plan
from training.services.challengers import canary_set, challenger_set, challenger_withdraw
from training.services.policies import policy_of
from training.services.promotions import promote, roll_back

PURE: dict[str, Any] = {**EVIDENCE, "purity": {"lower": 0.9}}
TEXTS = [f"play artist {number}" for number in range(30)]
LIVE = [f"play live {number}" for number in range(60)]


@pytest.fixture
def piloted(application: Application) -> Application:
    setting(application, enabled=True, quiet_minutes=0, cluster_after=10, trial_answers=3)
    allow(application, 0.3)
    return application


def allow(application: Application, epsilon: float) -> None:
    """So much disagreement that few examples can prove it is kept."""
    policy = policy_of(application)
    policy.epsilon = epsilon
    policy.save()


def setting(application: Application, **changes: Any) -> None:
    autopilot_change(application=application, changes=changes, user=None)


def step(application: Application, wanted: Step) -> Proposal:
    """The step as the plan sees it now; the first where there are several."""
    return next(one for one in plan(application) if one.step == wanted)


def done(application: Application) -> list[str]:
    return [action.step for action in autopilot_tick(application=application) if not action.asks]


def asked(application: Application) -> list[AutopilotAction]:
    autopilot_tick(application=application)
    return list(AutopilotAction.objects.filter(application=application, asks=True))


def evaluated(dataset: Dataset) -> Student:
    student = make_student(dataset)
    make_evaluation(student)
    return student


def simple_cluster(application: Application, name: str = "play {artist}", **values: Any) -> Cluster:
    clustering = application.clusterings.first() or make_clustering(application)
    cluster = make_cluster(clustering, name, **values)
    Cluster.objects.filter(pk=cluster.pk).update(evidence=PURE, queries=50)
    return cluster


@pytest.fixture
def champion(piloted: Application) -> Student:
    student = evaluated(make_dataset(piloted, TEXTS))
    promote(student=student)
    return student


@pytest.fixture
def candidate(champion: Student) -> Student:
    """A newer student; the champion is evaluated on its dataset too."""
    return evaluated(champion.dataset)


@pytest.fixture
def challenger(piloted: Application, candidate: Student) -> Student:
    assert done(piloted) == ["canary"]
    return candidate


# Clusters


def test_new_traffic_is_clustered_once_there_is_enough_of_it(piloted: Application) -> None:
    for number in range(9):
        make_query(piloted, f"play artist {number}", play("Can"), minute=number)
    assert "9 queries with an answer are in no clustering yet; 10 are needed" in step(piloted, Step.CLUSTER).sentence
    assert done(piloted) == []
    make_query(piloted, "play one more", play("Can"), minute=10)
    make_query(piloted, "play it unanswered", answered=False, minute=11)
    assert done(piloted) == ["cluster"]
    [job] = Job.objects.all()
    assert (job.kind, job.trigger, job.started_by) == (JobKind.CLUSTER, Trigger.AUTOPILOT, None)
    assert AutopilotAction.objects.get(step="cluster").job == job
    assert done(piloted) == [] and step(piloted, Step.CLUSTER).waiting


def test_a_clustering_that_failed_is_not_repeated_at_once(piloted: Application) -> None:
    for number in range(10):
        make_query(piloted, f"play artist {number}", play("Can"), minute=number)
    failed = Job.objects.create(
        application=piloted, kind=JobKind.CLUSTER, state=JobState.FAILED, trigger=Trigger.AUTOPILOT
    )
    assert done(piloted) == []
    Job.objects.filter(pk=failed.pk).update(created_at=timezone.now() - timedelta(hours=2))
    assert done(piloted) == ["cluster"]


def test_an_alarm_makes_less_new_traffic_enough(piloted: Application) -> None:
    make_clustering(piloted)
    for number in range(3):
        make_query(piloted, f"play artist {number}", play("Can"), minute=number)
    piloted.tool_sets.update(first_seen_at=timezone.now() - timedelta(days=1))
    assert done(piloted) == []
    now = timezone.now()
    DriftReport.objects.create(
        application=piloted,
        window_from=now,
        window_to=now,
        queries=3,
        alarms=[{"kind": "unknown", "function": "", "sentence": "A third of the traffic is of no known pattern."}],
    )
    assert done(piloted) == ["cluster"]
    assert "of no known pattern" in AutopilotAction.objects.get(step="cluster").sentence


def test_what_audits_switched_off_makes_less_new_traffic_enough(champion: Student) -> None:
    application = champion.application
    setting(application, cluster_after=40)
    make_clustering(application)
    for number in range(4):
        query = make_query(application, f"play artist {number}", play("Can"), minute=number)
        Query.objects.filter(pk=query.pk).update(tool_set=champion.tool_set)
    assert done(application) == []
    SwitchOff.objects.create(application=application, student=champion, function="play_music", reason="9 of 20.")
    assert done(application) == ["cluster"]
    assert "switched off play_music" in AutopilotAction.objects.get(step="cluster").sentence


def test_the_policy_approves_what_reaches_its_thresholds_and_asks_about_the_rest(piloted: Application) -> None:
    simple = simple_cluster(piloted)
    noted = simple_cluster(piloted, "play {song}", note="Half of its traffic was rejected before.", saved_ms=900.0)
    close = simple_cluster(piloted, "turn it up", simplicity=0.7, saved_ms=800.0)
    simple_cluster(piloted, "of no worth", simplicity=0.7, share=0.001, saved_ms=700.0)
    assert done(piloted)[0] == "approve_clusters"
    assert set(Cluster.objects.filter(status="approved")) == {simple}
    assert Review.objects.get().reviewer is None
    questions = list(AutopilotAction.objects.filter(asks=True).order_by("id"))
    assert [action.subject for action in questions] == [f"play: {noted.name}", f"play: {close.name}"]
    assert "its simplicity is 70%, and the policy wants 75%" in questions[1].sentence
    autopilot_tick(application=piloted)
    assert AutopilotAction.objects.filter(asks=True).count() == 2, "it asks once"


def test_it_asks_about_a_handful_of_clusters_a_day(piloted: Application, users: dict[str, User]) -> None:
    clusters = [simple_cluster(piloted, f"cluster {n}", simplicity=0.6, saved_ms=1000.0 - n) for n in range(12)]
    assert len(asked(piloted)) == 5
    for cluster in clusters[:5]:
        cluster_decide(cluster=cluster, decision=Decision.REJECT, user=users["reviewer"])
    assert len(asked(piloted)) == 5
    AutopilotAction.objects.filter(asks=True).update(created_at=timezone.now() - timedelta(days=2))
    assert len(asked(piloted)) == 10


def test_what_a_person_took_back_is_not_approved_again(piloted: Application, users: dict[str, User]) -> None:
    cluster = simple_cluster(piloted)
    assert "approve_clusters" in done(piloted)
    Cluster.objects.filter(pk=cluster.pk).update(status="proposed")
    Review.objects.create(
        application=piloted,
        cluster=cluster,
        decision=Decision.UNDO,
        reviewer=users["reviewer"],
        before={},
        after={},
    )
    assert not step(piloted, Step.APPROVE_CLUSTERS).due
    assert all(one.step != Step.APPROVE_CLUSTERS for one in asked(piloted))


# Datasets


def test_a_dataset_is_built_when_something_was_decided_and_nobody_is_at_it(
    piloted: Application, users: dict[str, User]
) -> None:
    setting(piloted, quiet_minutes=5)
    cluster = simple_cluster(piloted, simplicity=0.6)
    assert step(piloted, Step.BUILD).sentence == "No cluster is approved yet."
    cluster_decide(cluster=cluster, decision=Decision.APPROVE, user=users["reviewer"])
    assert step(piloted, Step.BUILD).waiting and done(piloted) == []
    Review.objects.update(created_at=timezone.now() - timedelta(minutes=6))
    assert done(piloted) == ["build"]
    Job.objects.update(state=JobState.FAILED)
    assert done(piloted) == [], "what failed is not repeated before something has changed"
    make_cluster(make_clustering(piloted), "play it", status="approved")
    assert done(piloted) == ["build"]


def test_a_draft_is_approved_though_another_person_would_be_needed(piloted: Application) -> None:
    RoutingPolicy.objects.update(second_approver=True)
    dataset = make_dataset(piloted, TEXTS, status=DatasetStatus.DRAFT)
    assert done(piloted) == ["approve_dataset", "distil"]
    dataset.refresh_from_db()
    assert (dataset.status, dataset.approved_by) == ("approved", None)
    assert [(entry["what"], entry["by"]) for entry in dataset.history] == [("approved", "")]


def test_what_a_person_built_with_own_choices_is_left_to_them(piloted: Application, users: dict[str, User]) -> None:
    dataset = make_dataset(piloted, TEXTS, status=DatasetStatus.DRAFT)
    Dataset.objects.filter(pk=dataset.pk).update(built_by=users["reviewer"], choices={"limit": 500})
    assert done(piloted) == []
    Dataset.objects.filter(pk=dataset.pk).update(choices={})
    assert done(piloted) == ["approve_dataset", "distil"]


def test_an_approval_that_was_taken_back_is_asked_about(piloted: Application) -> None:
    dataset = make_dataset(piloted, TEXTS, status=DatasetStatus.DRAFT)
    Dataset.objects.filter(pk=dataset.pk).update(history=[{"what": "taken back", "by": "approver", "at": ""}])
    assert done(piloted) == []
    [question] = AutopilotAction.objects.filter(asks=True)
    assert "was taken back" in question.sentence


# Distillation


def test_a_student_learns_when_enough_is_new_and_from_each_dataset_once(champion: Student) -> None:
    application = champion.application
    assert done(application) == []
    make_dataset(application, [*TEXTS, "play one more"])
    proposal = step(application, Step.DISTIL)
    assert not proposal.due and "3.2% of dataset 2 is new" in proposal.sentence
    newer = make_dataset(application, TEXTS + [f"play new {number}" for number in range(10)])
    assert done(application) == ["distil"]
    run = newer.runs.get()
    assert (run.job.trigger, run.config) == (Trigger.AUTOPILOT, champion.run.config | run.config)
    assert run.config["layers"] == champion.run.config["layers"], "with the settings of the champion"
    Job.objects.filter(pk=run.job_id).update(state=JobState.FAILED, message="The disk is full.")
    assert done(application) == []
    assert "The disk is full." in AutopilotAction.objects.get(step="distil", asks=True).sentence


def test_a_switched_off_function_makes_a_smaller_change_enough(champion: Student) -> None:
    application = champion.application
    SwitchOff.objects.create(application=application, student=champion, function="play_music", reason="9 of 20.")
    make_dataset(application, [*TEXTS, "play one more"])
    assert done(application) == ["distil"]
    assert "switched off play_music" in AutopilotAction.objects.get(step="distil").sentence


@pytest.mark.parametrize(
    ("before", "now", "known"), [(0, 9, True), (0, 10, False), (30, 59, True), (30, 60, False), (50, 200, True)]
)
def test_a_function_that_the_student_hardly_knows_makes_a_smaller_change_enough(
    champion: Student, before: int, now: int, known: bool
) -> None:
    """Each time there are twice as many examples of it, as long as they were few."""
    newer = make_dataset(champion.application, TEXTS)
    for dataset, count in ((champion.dataset, before), (newer, now)):
        dataset.balance = {"train": {"play_music": 60, "set_alarm": count}}
        dataset.save()
    sentence = step(champion.application, Step.DISTIL).sentence
    assert (f"hardly knows set_alarm ({before} examples, {now} now)" in sentence) != known


def test_a_dataset_that_is_too_small_to_certify_anything_is_not_learned_from(piloted: Application) -> None:
    make_dataset(piloted, TEXTS)
    allow(piloted, 0.02)
    assert done(piloted) == []
    assert "10 simple examples for the calibration: too few" in step(piloted, Step.DISTIL).sentence


def test_nothing_is_distilled_while_a_run_is_under_way(champion: Student) -> None:
    make_run(champion.dataset, state=JobState.RUNNING)
    make_dataset(champion.application, [f"play new {number}" for number in range(10)])
    assert done(champion.application) == []


# Trial and promotion


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


def test_the_champion_is_held_against_the_examples_of_a_new_student_first(champion: Student) -> None:
    application = champion.application
    newer = evaluated(make_dataset(application, TEXTS))
    assert done(application) == ["evaluate"]
    job = application.jobs.get(kind=JobKind.EVALUATE)
    assert job.parameters == {"student": champion.pk, "dataset": newer.dataset_id}
    assert done(application) == [], "it waits for the evaluation"
    Job.objects.filter(pk=job.pk).update(state=JobState.DONE)
    assert done(application) == ["canary"]


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
    piloted.promotions.update(created_at=timezone.now() - timedelta(days=8))
    assert done(piloted) == ["promote"]
    assert (champion_of(piloted), challenger_of(piloted)) == (challenger, None)
    assert set(piloted.promotions.values_list("promoted_by", flat=True)) == {None}


def test_a_challenger_that_audits_switched_off_is_withdrawn_for_good(piloted: Application, challenger: Student) -> None:
    SwitchOff.objects.create(application=piloted, student=challenger, function="", reason="9 of 20 differed.")
    assert done(piloted) == ["widen"]
    assert challenger_of(piloted) is None
    assert "9 of 20 differed." in AutopilotAction.objects.filter(step="widen").latest("pk").sentence
    assert done(piloted) == []


def test_a_challenger_that_is_worse_on_live_traffic_is_asked_about(piloted: Application, challenger: Student) -> None:
    for _ in range(3):
        answer_inline(challenger, "play Can", play("Can"), ago=timedelta(0))
    live = make_evaluation(challenger)
    Evaluation.objects.filter(pk=live.pk).update(dataset=None, regressions=[{"function": "play_music"}])
    assert done(piloted) == []
    [question] = AutopilotAction.objects.filter(asks=True)
    assert "worse than the champion at: play_music" in question.sentence


def test_before_it_becomes_champion_both_are_held_against_live_traffic_once(
    piloted: Application, champion: Student, challenger: Student
) -> None:
    live_traffic(champion)
    assert done(piloted) == [], "not before the last step of the trial"
    on_all_users(piloted, challenger)
    assert done(piloted) == ["evaluate"]
    job = piloted.jobs.get(kind=JobKind.EVALUATE)
    assert (job.trigger, job.task) == (Trigger.AUTOPILOT, "training.tasks.evaluate")
    assert job.parameters == {"students": [champion.pk, challenger.pk], "days": 7}
    assert done(piloted) == [], "it waits for the evaluation"
    Job.objects.filter(pk=job.pk).update(state=JobState.FAILED)
    assert done(piloted) == [], "it does not become champion unseen"
    assert "tried again an hour after" in step(piloted, Step.EVALUATE).sentence
    Job.objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(hours=2))
    piloted.promotions.update(created_at=timezone.now() - timedelta(hours=3))
    assert done(piloted) == ["evaluate"]
    Job.objects.update(state=JobState.DONE)
    assert done(piloted) == ["promote"]
    assert champion_of(piloted) == challenger


def test_where_evaluations_are_left_to_people_it_does_not_promote_before_one(
    piloted: Application, champion: Student, challenger: Student
) -> None:
    setting(piloted, left_to_people=[Step.EVALUATE.value])
    live_traffic(champion)
    on_all_users(piloted, challenger)
    [question] = asked(piloted)
    assert question.step == Step.EVALUATE and "both are held against the same live traffic" in question.sentence
    assert champion_of(piloted) == champion
    tasks.start_live_evaluation(application=piloted, days=7, trigger=Trigger.PAGE)
    Job.objects.update(state=JobState.DONE)
    assert done(piloted) == ["promote"]


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


def covers(student: Student, coverage: float) -> None:
    evaluation = student.evaluations.get()
    evaluation.figures["coverage"] = coverage
    evaluation.save()


def test_queries_that_no_student_can_be_held_against_are_not_evaluated_on(
    piloted: Application, champion: Student, challenger: Student
) -> None:
    live_traffic(champion)
    on_all_users(piloted, challenger)
    Query.objects.filter(text__startswith="play live").update(excluded=True)
    assert done(piloted) == []
    sentence = step(piloted, Step.EVALUATE).sentence
    assert "There are fewer than 50 answered queries for that so far." in sentence
    assert "on live traffic first" in step(piloted, Step.PROMOTE).sentence


def test_a_challenger_that_is_worse_on_live_traffic_does_not_become_champion(
    piloted: Application, champion: Student, challenger: Student, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, {champion: Pupil(), challenger: Pupil(bad_at="play_music")})
    live_traffic(champion)
    on_all_users(piloted, challenger)
    assert done(piloted) == ["evaluate"]
    tasks.evaluate(piloted.jobs.get(kind=JobKind.EVALUATE).pk)
    [question] = asked(piloted)
    assert "worse than the champion at: play_music" in question.sentence
    assert champion_of(piloted) == champion


def live_traffic(champion: Student) -> None:
    """Since the dataset was built that the students learned from, and too little to be clustered."""
    setting(champion.application, cluster_after=1000)
    Dataset.objects.update(created_at=timezone.now() - timedelta(days=1))
    arrive(champion, LIVE)


def on_all_users(application: Application, challenger: Student) -> None:
    """The challenger at the last step of its trial, with as many answers as it needs there."""
    canary_set(application=application, share=1.0, shadow=False)
    for _ in range(3):
        answer_inline(challenger, "play Can", play("Can"), ago=timedelta(0))


def test_audits_that_speak_against_a_challenger_hold_it_up(piloted: Application, challenger: Student) -> None:
    for _ in range(3):
        answer_inline(challenger, "play Can", play("Can"), ago=timedelta(0))
    challenger.tallies.create(function="", audited=40, disagreed=20)
    assert done(piloted) == []
    assert "the audits speak against it" in step(piloted, Step.WIDEN).sentence


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
    SwitchOff.objects.create(application=application, student=champion, function="", reason="9 of 20 differed.")
    assert done(application) == ["promote"]
    assert champion_of(application) == candidate


def test_a_whole_student_that_audits_switched_off_is_asked_about(champion: Student) -> None:
    application = champion.application
    SwitchOff.objects.create(application=application, student=champion, function="", reason="9 of 20 differed.")
    [question] = asked(application)
    assert question.step == Step.PROMOTE and "turn it on again, or let a new one learn" in question.sentence


# The steps and people


@pytest.mark.parametrize("left", [Step.CANARY, Step.WIDEN, Step.PROMOTE])
def test_it_stops_where_a_step_is_left_to_people_and_goes_on_when_they_have_decided(
    piloted: Application, champion: Student, candidate: Student, users: dict[str, User], left: Step
) -> None:
    setting(piloted, left_to_people=[left.value])
    live_traffic(champion)
    steps = []
    for _ in range(12):
        Job.objects.filter(kind=JobKind.EVALUATE).update(state=JobState.DONE)
        steps += done(piloted)
        if step(piloted, left).asks:
            _decide(piloted, candidate, left, users["approver"])
        if challenger_of(piloted):
            for _ in range(3):
                answer_inline(candidate, "play Can", play("Can"), ago=timedelta(0))
    assert champion_of(piloted) == candidate
    assert left not in steps
    questions = AutopilotAction.objects.filter(asks=True, step=left)
    assert questions.exists() and questions.count() == len(set(questions.values_list("subject", flat=True)))


def _decide(application: Application, student: Student, left: Step, user: User) -> None:
    if left == Step.CANARY:
        challenger_set(student=student, user=user)
        canary_set(application=application, share=0.25, shadow=False, user=user)
    elif left == Step.WIDEN:
        share = min(policy_of(application).canary_share + 0.25, 1.0)
        canary_set(application=application, share=share, shadow=False, user=user)
    else:
        promote(student=student, user=user)


def test_a_step_that_cannot_be_done_is_said_once(piloted: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    make_dataset(piloted, TEXTS)

    def refuse(**given: Any) -> None:
        raise OdiaError("The trainer is on holiday.")

    monkeypatch.setattr("training.autopilot.start_run_as_before", refuse)
    assert done(piloted) == [] and done(piloted) == []
    [question] = AutopilotAction.objects.filter(asks=True, step="distil")
    assert question.sentence.endswith("It could not be done: The trainer is on holiday.")
    assert step(piloted, Step.DISTIL).words == question.sentence, "the page and the overview go on saying it"
    monkeypatch.undo()
    assert done(piloted) == ["distil"]
    assert not step(piloted, Step.DISTIL).needs_person
    assert "could not" not in AutopilotAction.objects.get(asks=False, step="distil").sentence


def test_a_step_that_breaks_is_said_and_the_others_go_on(piloted: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    make_dataset(piloted, TEXTS, status=DatasetStatus.DRAFT)
    simple_cluster(piloted)

    def break_(**given: Any) -> None:
        raise ValueError("a fault")

    monkeypatch.setattr("training.autopilot.clusters_approve", break_)
    assert "approve_dataset" in done(piloted)
    [question] = AutopilotAction.objects.filter(asks=True, step="approve_clusters")
    assert "the log of the worker says more" in question.sentence


@pytest.mark.django_db(transaction=True)
def test_two_ticks_at_once_do_nothing_twice(piloted: Application) -> None:
    make_dataset(piloted, TEXTS, status=DatasetStatus.DRAFT)
    outcomes: list[int] = []

    def tick() -> None:
        try:
            outcomes.append(len(autopilot_tick(application=piloted)))
        finally:
            connection.close()

    threads = [threading.Thread(target=tick) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(outcomes) == AutopilotAction.objects.exclude(step="").count()
    assert AutopilotAction.objects.filter(step="approve_dataset").count() == 1
    assert Job.objects.filter(kind=JobKind.DISTIL).count() == 1


def test_what_is_wrong_with_one_application_stops_no_other(
    piloted: Application, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    other = application_ensure(slug="other", name="Other")
    setting(other, enabled=True)
    ticked = []

    def tick(*, application: Application) -> None:
        ticked.append(application)
        if application == piloted:
            raise ValueError("a fault")

    monkeypatch.setattr("training.autopilot.autopilot_tick", tick)
    tick_all()
    assert set(ticked) == {piloted, other}
    assert "The autopilot of music broke off" in caplog.text
