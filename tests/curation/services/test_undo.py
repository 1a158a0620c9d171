from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from curation.errors import OdiaError
from curation.ml.calls import Call
from curation.models import Application, Cluster, Query, Review
from curation.models.reviews import Decision
from curation.services.cluster_reviews import cluster_decide
from curation.services.query_reviews import call_correct, queries_change, query_exclude
from curation.services.undo import batch_undo, review_undo
from tests.curation.traffic import make_cluster, make_clustering, make_query

CAN = Call("play", {"artist": "Can"})
BLUR = Call("play", {"artist": "Blur"})


@pytest.fixture
def cluster(application: Application) -> Cluster:
    return make_cluster(make_clustering(application), "play {artist}")


@pytest.fixture
def queries(application: Application) -> list[Query]:
    return [
        make_query(application, "play Can", CAN, minute=0),
        make_query(application, "play Can and Blur", Call("play", {"artist": "Can", "tags": ["two"]}), minute=1),
        make_query(application, "hello", None, minute=2),
        make_query(application, "not asked yet", answered=False, minute=3),
    ]


def columns(queries: list[Query]) -> list[tuple[Any, ...]]:
    names = ("function", "arguments", "several_calls", "labelled", "corrected", "excluded")
    return list(Query.objects.filter(pk__in=[query.pk for query in queries]).order_by("id").values_list(*names))


def test_a_correction_is_undone(queries: list[Query], users: dict[str, User]) -> None:
    before = columns(queries)
    review = call_correct(query=queries[0], call=BLUR, user=users["reviewer"])
    undoing = review_undo(review=review, user=users["approver"])
    assert columns(queries) == before
    assert (undoing.undoes, undoing.reviewer) == (review, users["approver"])


def test_undoing_leaves_alone_what_others_changed_meanwhile(queries: list[Query]) -> None:
    review = query_exclude(query=queries[3], user=None)
    Query.objects.filter(pk=queries[3].pk).update(labelled=True, function="play", arguments=CAN.arguments)
    review_undo(review=review, user=None)
    query = Query.objects.get(pk=queries[3].pk)
    assert (query.excluded, query.call, query.labelled) == (False, CAN, True)


def test_a_decision_cannot_be_undone_twice_nor_under_a_later_one(cluster: Cluster) -> None:
    first = cluster_decide(cluster=cluster, decision=Decision.APPROVE)
    second = cluster_decide(cluster=cluster, decision=Decision.REJECT)
    with pytest.raises(OdiaError, match="a later one rests on it"):
        review_undo(review=first, user=None)
    undoing = review_undo(review=second, user=None)
    with pytest.raises(OdiaError, match="cannot be undone again"):
        review_undo(review=second, user=None)
    with pytest.raises(OdiaError, match="An undoing cannot be undone"):
        review_undo(review=undoing, user=None)


def test_decisions_are_undone_one_after_the_other_back_to_the_start(queries: list[Query]) -> None:
    before = columns(queries)
    first = query_exclude(query=queries[0], user=None)
    second = call_correct(query=queries[0], call=BLUR, user=None)
    review_undo(review=second, user=None)
    review_undo(review=first, user=None)
    assert columns(queries) == before


def test_one_undo_takes_a_whole_action_back(application: Application, queries: list[Query]) -> None:
    before = columns(queries)
    batch, changed = queries_change(queries=Query.objects.all(), decision=Decision.CORRECT, user=None, call=BLUR)
    assert changed == 4
    assert columns(queries) != before
    assert batch_undo(application=application, batch=batch, user=None) == 4
    assert columns(queries) == before
    with pytest.raises(OdiaError, match="Nothing is left of this to take back"):
        batch_undo(application=application, batch=batch, user=None)


def test_undoing_an_action_leaves_what_was_decided_on_again(application: Application, queries: list[Query]) -> None:
    batch, _ = queries_change(queries=Query.objects.all(), decision=Decision.EXCLUDE, user=None)
    call_correct(query=queries[0], call=BLUR, user=None)
    review_undo(review=Review.objects.get(batch=batch, query_id=queries[1].pk), user=None)
    assert batch_undo(application=application, batch=batch, user=None) == 2
    assert [row[-1] for row in columns(queries)] == [True, False, False, False]


def test_an_action_of_another_application_is_not_undone(application: Application, queries: list[Query]) -> None:
    batch, _ = queries_change(queries=Query.objects.all(), decision=Decision.EXCLUDE, user=None)
    other = Application.objects.create(slug="other", name="Other")
    with pytest.raises(OdiaError):
        batch_undo(application=other, batch=batch, user=None)
    assert Query.objects.filter(excluded=True).count() == 4


def test_the_number_of_statements_does_not_grow_with_the_queries(
    application: Application, queries: list[Query], django_assert_max_num_queries: Any
) -> None:
    batch, _ = queries_change(queries=Query.objects.all(), decision=Decision.CORRECT, user=None, call=BLUR)
    with django_assert_max_num_queries(10):
        batch_undo(application=application, batch=batch, user=None)
