from __future__ import annotations

from datetime import timedelta

import pytest

from curation.errors import OdiaError
from curation.ml.calls import Call, normalise_text
from curation.models import Application, Query
from curation.services.query_reviews import call_correct, query_exclude
from tests.training.services.conftest import START, put_into_clusters, send, traffic
from training.models import DatasetExample
from training.services.datasets import dataset_approve, dataset_build


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
    assert dataset_build(application=busy, limit=30).examples.count() == 30


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
