from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from django.contrib.auth.models import User

from curation.errors import OdiaError
from curation.identifiers import new_id
from curation.ml.calls import Call
from curation.models import Application, Cluster, Clustering, Query, Review
from curation.models.reviews import Decision
from curation.models.traffic import Source
from curation.services.applications import tool_set_ensure
from curation.services.capture import capture
from curation.services.captured import Capture, TeacherAnswer
from curation.services.cluster_reviews import cluster_decide
from curation.services.policy_reviews import approve_by_policy
from curation.services.query_reviews import call_correct, query_exclude, query_include
from curation.services.undo import review_undo

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "set_volume",
            "parameters": {"type": "object", "properties": {"level": {"type": "integer"}}, "required": ["level"]},
        },
    }
]


def make_cluster(application: Application, clustering: Clustering | None = None, **fields: object) -> Cluster:
    values: dict[str, object] = {
        "name": "louder",
        "function": "set_volume",
        "centroid": np.eye(1, 384)[0],
        "radius": 0.3,
        "simplicity": 0.9,
        "evidence": {"purity": {"lower": 0.95}},
        "queries": 50,
        "saved_calls": 45.0,
        "share": 0.5,
        **fields,
    }
    clustering = clustering or Clustering.objects.create(application=application, queries=100, patterns=10)
    return Cluster.objects.create(application=application, clustering=clustering, **values)


@pytest.fixture
def query(application: Application) -> Query:
    tools = tool_set_ensure(application=application, tools=TOOLS)
    capture(
        [
            Capture(
                id=new_id(),
                application_id=application.pk,
                tool_set_id=tools.pk,
                text="louder please",
                arrived_at=datetime(2026, 1, 2, tzinfo=UTC),
                source=Source.IMPORT,
                answer=TeacherAnswer(call=Call("set_volume", {"level": 7})),
            )
        ]
    )
    return Query.objects.get()


def test_a_decision_is_recorded_and_can_be_undone(application: Application, users: dict[str, User]) -> None:
    cluster = make_cluster(application)
    review = cluster_decide(cluster=cluster, decision=Decision.APPROVE, user=users["reviewer"])
    cluster.refresh_from_db()
    assert (cluster.status, review.reviewer) == ("approved", users["reviewer"])
    review_undo(review=review, user=users["reviewer"])
    cluster.refresh_from_db()
    assert cluster.status == "proposed"
    assert Review.objects.count() == 2


def test_a_decision_on_what_somebody_else_decided_meanwhile_is_refused(application: Application) -> None:
    cluster = make_cluster(application)
    cluster_decide(cluster=cluster, decision=Decision.REJECT)
    with pytest.raises(OdiaError, match="Somebody has decided on this cluster meanwhile: it is rejected"):
        cluster_decide(cluster=cluster, decision=Decision.APPROVE, expected_status="proposed")


def test_a_cluster_of_an_earlier_clustering_cannot_be_decided(application: Application) -> None:
    old = make_cluster(application)
    make_cluster(application)
    with pytest.raises(OdiaError, match="earlier clustering"):
        cluster_decide(cluster=old, decision=Decision.APPROVE)


def test_a_decision_cannot_be_undone_twice_nor_under_a_later_one(application: Application) -> None:
    cluster = make_cluster(application)
    first = cluster_decide(cluster=cluster, decision=Decision.APPROVE)
    second = cluster_decide(cluster=cluster, decision=Decision.REJECT)
    with pytest.raises(OdiaError, match="a later one rests on it"):
        review_undo(review=first, user=None)
    review_undo(review=second, user=None)
    with pytest.raises(OdiaError, match="cannot be undone"):
        review_undo(review=second, user=None)


def test_a_correction_becomes_the_reference_call(query: Query, users: dict[str, User]) -> None:
    review = call_correct(query=query, call=Call("set_volume", {"level": 9}), user=users["reviewer"])
    query.refresh_from_db()
    assert query.call == Call("set_volume", {"level": 9})
    assert query.corrected
    review_undo(review=review, user=users["reviewer"])
    query.refresh_from_db()
    assert query.call == Call("set_volume", {"level": 7})
    assert not query.corrected


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (Call("set_volume", {"level": "loud"}), "level: 'loud' is not of type 'integer'"),
        (Call("set_volume", {}), "'level' is a required property"),
        (Call("fly", {}), "no function 'fly'"),
    ],
)
def test_a_correction_that_does_not_fit_the_tools_is_refused(query: Query, call: Call, sentence: str) -> None:
    with pytest.raises(OdiaError, match=sentence):
        call_correct(query=query, call=call, user=None)
    assert not Review.objects.exists()


def test_an_example_is_excluded_and_taken_back_in(query: Query) -> None:
    query_exclude(query=query, user=None)
    query.refresh_from_db()
    assert query.excluded
    query_include(query=query, user=None)
    query.refresh_from_db()
    assert not query.excluded


def test_the_policy_approves_only_what_reaches_every_threshold(application: Application) -> None:
    clustering = Clustering.objects.create(application=application, queries=100, patterns=10)
    good = make_cluster(application, clustering, name="good")
    make_cluster(application, clustering, name="hard", simplicity=0.5)
    make_cluster(application, clustering, name="mixed", evidence={"purity": {"lower": 0.4}})
    make_cluster(application, clustering, name="small", queries=3)
    make_cluster(application, clustering, name="chat", function="")
    assert approve_by_policy(application=application, simplicity=0.7, purity=0.9, queries=10) == (5, 1)
    assert list(Cluster.objects.filter(status="approved")) == [good]
    assert Review.objects.get().reviewer is None
