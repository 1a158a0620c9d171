"""From traffic to a student: clusters, datasets, distillation."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from curation.models import Application, Cluster, Job, Query, Review
from curation.models.jobs import JobKind, JobState, Trigger
from curation.models.reviews import Decision
from curation.services.cluster_reviews import cluster_decide
from tests.curation.traffic import make_cluster, make_clustering, make_query
from tests.training.autopilot.piloting import (
    TEXTS,
    allow,
    asked,
    done,
    setting,
    simple_cluster,
    step,
)
from tests.training.inline import play
from tests.training.learned import make_dataset, make_run
from training.autopilot import autopilot_tick
from training.models import AutopilotAction, Dataset, DriftReport, RoutingPolicy, Student, SwitchOff
from training.models.autopilot import AutopilotStep as Step
from training.models.datasets import DatasetStatus


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
