from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from curation.errors import OdiaError
from curation.ml.calls import Call, normalise_text
from curation.models import Application, Cluster, Job, Query
from curation.models.jobs import JobKind, JobState, Trigger
from curation.services.jobs import JobCancelled, job_create
from curation.services.query_reviews import call_correct, query_exclude
from tests.training.services.conftest import START, put_into_clusters, send, traffic
from training import tasks
from training.models import Dataset, DatasetExample, RoutingPolicy
from training.models.build_choices import BuildChoices
from training.services.datasets import dataset_approval_undo, dataset_approve, dataset_build
from training.services.runs import run_create


def test_every_query_is_counted_and_none_stands_in_two_splits(busy: Application) -> None:
    dataset = dataset_build(application=busy)
    total = len(traffic())
    simple = sum(call is not None for _, call in traffic())
    assert dataset.funnel == {
        "received": total,
        "in approved clusters": simple,
        "usable": simple,
        "distinct": simple,
        "selected": total,
    }
    splits = [set(dataset.examples.filter(split=split).values_list("text", flat=True)) for split in dataset.balance]
    assert [len(split) for split in splits] == [64, 13, 8]
    assert sum(map(len, splits)) == len(set.union(*splits)) == total


def test_splits_follow_the_time_of_first_arrival(busy: Application) -> None:
    dataset = dataset_build(application=busy)
    times = {
        split: list(
            Query.objects.filter(id__in=dataset.examples.filter(split=split).values("query_id")).values_list(
                "arrived_at", flat=True
            )
        )
        for split in ("train", "calibration", "test")
    }
    assert max(times["train"]) < min(times["calibration"])
    assert max(times["calibration"]) < min(times["test"])


def test_repeats_are_weighted_and_not_copied(busy: Application) -> None:
    repeat = ("PLAY   abba", Call("play_artist", {"artist": "ABBA"}))
    send(busy, [repeat, repeat, repeat], START + timedelta(days=1))
    put_into_clusters(busy, approved={"play_artist"})
    dataset = dataset_build(application=busy)
    rows = [row for row in dataset.examples.all() if normalise_text(row.text) == "play abba"]
    assert [row.weight for row in rows] == [4]


def test_the_same_text_with_two_calls_stays_in_one_split(busy: Application) -> None:
    first = next(text for text, call in traffic() if call)
    send(busy, [(first, Call("pause"))], START + timedelta(days=1))
    put_into_clusters(busy, approved={"play_artist", "pause"})
    rows = dataset_build(application=busy).examples.filter(text=first)
    assert rows.count() == 2
    assert len(set(rows.values_list("split", flat=True))) == 1


def test_what_is_outside_the_approved_clusters_teaches_refusing(busy: Application) -> None:
    put_into_clusters(busy, approved={"play_artist"})
    dataset = dataset_build(application=busy)
    routes = {row.function: row.route for row in dataset.examples.all()}
    assert routes == {"play_artist": "simple", "pause": "complex", "": "no_call"}


def test_corrections_stand_and_excluded_examples_stay_out(busy: Application) -> None:
    corrected, excluded = Query.objects.filter(function="play_artist")[:2]
    call_correct(query=corrected, call=Call("pause"), user=None)
    query_exclude(query=excluded, user=None)
    dataset = dataset_build(application=busy)
    assert dataset.examples.get(query_id=corrected.pk).function == "pause"
    assert not dataset.examples.filter(query_id=excluded.pk).exists()


def test_the_same_examples_make_the_same_dataset(busy: Application) -> None:
    first = dataset_build(application=busy)
    assert dataset_build(application=busy) == first
    query_exclude(query=Query.objects.exclude(function="")[0], user=None)
    second = dataset_build(application=busy)
    assert (first.version, second.version) == (1, 2)
    assert first.sha256 != second.sha256


def test_only_the_newest_texts_are_taken_where_a_limit_is_set(busy: Application) -> None:
    assert dataset_build(application=busy, choices=BuildChoices(limit=30)).examples.count() == 30


@pytest.mark.parametrize(
    ("approved", "sentence"),
    [(set(), "No cluster is approved yet"), ({"pause"}, "fewer than 20 distinct usable queries")],
)
def test_too_little_is_told_and_leaves_nothing_behind(busy: Application, approved: set[str], sentence: str) -> None:
    put_into_clusters(busy, approved=approved)
    with pytest.raises(OdiaError, match=sentence):
        dataset_build(application=busy)
    assert not DatasetExample.objects.exists()


def test_no_traffic_is_told(application: Application) -> None:
    with pytest.raises(OdiaError, match="no traffic with tools yet"):
        dataset_build(application=application)


def test_a_dataset_is_approved_once(busy: Application) -> None:
    dataset = dataset_approve(dataset=dataset_build(application=busy))
    assert dataset.status == "approved"
    with pytest.raises(OdiaError, match="approved already"):
        dataset_approve(dataset=dataset)


def test_only_queries_since_a_day_are_taken(busy: Application) -> None:
    noon = START + timedelta(minutes=30)
    dataset = dataset_build(application=busy, choices=BuildChoices(since=noon))
    assert dataset.funnel["received"] == len(traffic()) - 30
    assert not dataset.examples.filter(text=traffic()[29][0]).exists()
    assert BuildChoices.from_json(dataset.choices) == BuildChoices(since=noon)


def test_what_is_left_out_is_left_to_the_teacher(busy: Application) -> None:
    by_function = dataset_build(application=busy, choices=BuildChoices(without_functions=("pause",)))
    pauses = Cluster.objects.get(function="pause")
    by_cluster = dataset_build(application=busy, choices=BuildChoices(without_clusters=(pauses.pk,)))
    for dataset in (by_function, by_cluster):
        assert set(dataset.examples.filter(function="pause").values_list("route", flat=True)) == {"complex"}
        assert set(dataset.examples.filter(function="play_artist").values_list("route", flat=True)) == {"simple"}


def test_leaving_out_every_cluster_is_told(busy: Application) -> None:
    every = tuple(Cluster.objects.values_list("pk", flat=True))
    with pytest.raises(OdiaError, match="Every approved cluster is left out"):
        dataset_build(application=busy, choices=BuildChoices(without_clusters=every))


def test_a_cap_thins_the_training_examples_of_a_function_and_nothing_else(busy: Application) -> None:
    whole = dataset_build(application=busy)
    capped = dataset_build(application=busy, choices=BuildChoices(most_of_function=8))
    counts = [Counter(one.examples.values_list("split", "function")) for one in (whole, capped)]
    assert counts[0]["train", "play_artist"] > 8 and counts[1]["train", "play_artist"] == 8
    unchanged = [key for key in counts[0] if key[0] != "train" or key[1] == ""]
    assert [counts[0][key] for key in unchanged] == [counts[1][key] for key in unchanged]
    kept = [row.text for row in capped.examples.filter(split="train", function="play_artist")]
    order = [row.text for row in whole.examples.filter(split="train", function="play_artist")]
    assert order.index(kept[-1]) > len(order) * 3 // 4, "the kept ones are spread over time"


def test_a_build_that_is_cancelled_leaves_nothing(busy: Application) -> None:
    def stop(phase: str, fraction: float, message: str = "") -> None:
        if phase == "Writing the examples":
            raise JobCancelled

    with pytest.raises(JobCancelled):
        dataset_build(application=busy, report=stop)
    assert not Dataset.objects.exists() and not DatasetExample.objects.exists()


def test_a_cluster_that_loses_its_approval_meanwhile_stops_the_build(busy: Application) -> None:
    def reject(phase: str, fraction: float, message: str = "") -> None:
        Cluster.objects.filter(function="pause").update(status="rejected")

    with pytest.raises(OdiaError, match="lost its approval"):
        dataset_build(application=busy, report=reject)
    assert not Dataset.objects.exists()


def build_by_job(application: Application, choices: BuildChoices, user: User | None = None) -> Job:
    job = job_create(
        application=application, kind=JobKind.BUILD, trigger=Trigger.PAGE, user=user, parameters=choices.as_json()
    )
    tasks.build(job.pk)
    job.refresh_from_db()
    return job


def test_a_job_builds_what_was_chosen_and_names_it(busy: Application, users: dict[str, User]) -> None:
    job = build_by_job(busy, BuildChoices(limit=40), users["reviewer"])
    dataset = Dataset.objects.get()
    assert (job.state, job.result) == (JobState.DONE, {"dataset": dataset.pk, "existed": False})
    assert (dataset.built_by, dataset.examples.count()) == (users["reviewer"], 40)
    again = build_by_job(busy, BuildChoices(limit=40))
    assert again.result == {"dataset": dataset.pk, "existed": True}


def test_a_job_that_cannot_build_says_why(busy: Application) -> None:
    put_into_clusters(busy, approved=set())
    job = build_by_job(busy, BuildChoices())
    assert job.state == JobState.FAILED and "No cluster is approved yet" in job.message


@pytest.fixture
def two_pairs_of_eyes(busy: Application) -> Application:
    RoutingPolicy.objects.update_or_create(application=busy, defaults={"second_approver": True})
    return busy


def test_the_builder_may_not_approve_where_the_policy_asks_for_another(
    two_pairs_of_eyes: Application, users: dict[str, User]
) -> None:
    dataset = dataset_build(application=two_pairs_of_eyes, user=users["approver"])
    with pytest.raises(OdiaError, match="asks for another person to approve it"):
        dataset_approve(dataset=dataset, user=users["approver"])
    assert dataset_approve(dataset=dataset, user=users["administrator"]).approved_by == users["administrator"]


def test_what_the_policy_built_may_be_approved_by_anyone(
    two_pairs_of_eyes: Application, users: dict[str, User]
) -> None:
    dataset = dataset_build(application=two_pairs_of_eyes)
    assert dataset_approve(dataset=dataset, user=users["approver"]).status == "approved"


def test_the_builder_may_approve_where_the_policy_does_not_mind(busy: Application, users: dict[str, User]) -> None:
    dataset = dataset_build(application=busy, user=users["approver"])
    assert dataset_approve(dataset=dataset, user=users["approver"]).status == "approved"


def test_an_approval_is_taken_back_and_both_stay_on_record(busy: Application, users: dict[str, User]) -> None:
    dataset = dataset_approve(dataset=dataset_build(application=busy), user=users["approver"])
    dataset = dataset_approval_undo(dataset=dataset, user=users["administrator"])
    assert (dataset.status, dataset.approved_by, dataset.approved_at) == ("draft", None, None)
    assert [(item["what"], item["by"]) for item in dataset.history] == [
        ("approved", "approver"),
        ("taken back", "administrator"),
    ]
    with pytest.raises(OdiaError, match="is a draft"):
        dataset_approval_undo(dataset=dataset)


def test_an_approval_that_a_run_rests_on_stands(busy: Application) -> None:
    dataset = dataset_approve(dataset=dataset_build(application=busy))
    run = run_create(dataset=dataset, trigger=Trigger.COMMAND)
    with pytest.raises(OdiaError, match=f"Run {run.pk} used dataset 1"):
        dataset_approval_undo(dataset=dataset)
    dataset.refresh_from_db()
    assert dataset.status == "approved"
