from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.db import connection

from curation.errors import OdiaError
from curation.models import Application, Cluster, Clustering, Review
from curation.models.reviews import Decision
from curation.selectors.clusters import last_decision, version_of
from curation.services.cluster_reviews import cluster_decide, clusters_decide
from curation.services.policy_reviews import approve_by_policy
from curation.services.undo import batch_undo, review_undo


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


def test_a_decision_is_recorded_and_can_be_undone(application: Application, users: dict[str, User]) -> None:
    cluster = make_cluster(application)
    review = cluster_decide(cluster=cluster, decision=Decision.APPROVE, user=users["reviewer"])
    cluster.refresh_from_db()
    assert (cluster.status, review.reviewer) == ("approved", users["reviewer"])
    review_undo(review=review, user=users["reviewer"])
    cluster.refresh_from_db()
    assert cluster.status == "proposed"
    assert Review.objects.count() == 2


def test_a_stale_decision_is_told_with_who_decided_what_and_changes_nothing(
    application: Application, users: dict[str, User]
) -> None:
    cluster = make_cluster(application)
    seen = version_of(cluster, None)
    cluster_decide(cluster=cluster, decision=Decision.REJECT, user=users["approver"], seen=seen)
    with pytest.raises(OdiaError, match=r"approver rejected it at .*: it is rejected now"):
        cluster_decide(cluster=cluster, decision=Decision.APPROVE, user=users["reviewer"], seen=seen)
    assert Review.objects.get().decision == Decision.REJECT


def test_a_decision_taken_back_meanwhile_makes_it_stale_though_the_status_is_the_same(
    application: Application, users: dict[str, User]
) -> None:
    cluster = make_cluster(application)
    seen = version_of(cluster, None)
    review = cluster_decide(cluster=cluster, decision=Decision.REJECT, user=users["approver"])
    review_undo(review=review, user=users["approver"])
    with pytest.raises(OdiaError, match="approver took a decision back"):
        cluster_decide(cluster=cluster, decision=Decision.APPROVE, seen=seen)


@pytest.mark.django_db(transaction=True)
def test_of_two_reviewers_at_once_one_decides_and_the_other_is_told(
    application: Application, users: dict[str, User]
) -> None:
    cluster = make_cluster(application)
    start = threading.Barrier(2)

    def decide(name: str, decision: Decision) -> str:
        try:
            start.wait()
            cluster_decide(cluster=cluster, decision=decision, user=users[name], seen="proposed.0")
            return ""
        except OdiaError as error:
            return str(error)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(decide, *who) for who in (("reviewer", Decision.APPROVE), ("approver", Decision.REJECT))]
        told = sorted(answer.result() for answer in answers)
    review = Review.objects.get()
    assert told[0] == ""
    assert str(review.reviewer) in told[1]
    cluster.refresh_from_db()
    assert cluster.status == review.after["status"]


def test_several_clusters_are_decided_in_one_action_and_what_is_stale_is_told(
    application: Application, users: dict[str, User]
) -> None:
    first = make_cluster(application)
    second, stale = (make_cluster(application, first.clustering, name=name) for name in ("quieter", "mute"))
    seen = {one.pk: version_of(one, None) for one in (first, second, stale)}
    cluster_decide(cluster=stale, decision=Decision.REJECT, user=users["approver"])
    decided = clusters_decide(application=application, seen=seen, decision=Decision.APPROVE, user=users["reviewer"])
    assert decided.changed == 2
    (told,) = decided.refused
    assert "“mute”" in told
    assert sorted(Cluster.objects.values_list("status", flat=True)) == ["approved", "approved", "rejected"]
    assert batch_undo(application=application, batch=decided.batch, user=users["reviewer"]) == 2
    assert sorted(Cluster.objects.values_list("status", flat=True)) == ["proposed", "proposed", "rejected"]


def test_a_carried_on_approval_is_confirmed_and_the_confirmation_taken_back(
    application: Application, users: dict[str, User]
) -> None:
    old = make_cluster(application, status="approved")
    new = make_cluster(application, status="approved", inherited_from=old)
    review = cluster_decide(cluster=new, decision=Decision.APPROVE, user=users["reviewer"], seen="approved.0")
    new.refresh_from_db()
    assert (new.status, new.inherited_from) == ("approved", None)
    review_undo(review=review, user=users["reviewer"])
    new.refresh_from_db()
    assert (new.status, new.inherited_from) == ("approved", old)


def test_what_cannot_be_undone_any_more_is_not_offered(application: Application, users: dict[str, User]) -> None:
    first = make_cluster(application)
    cluster_decide(cluster=first, decision=Decision.APPROVE, user=users["reviewer"])
    last = cluster_decide(cluster=first, decision=Decision.REJECT, user=users["reviewer"])
    assert last_decision(application, users["reviewer"]) == last
    review_undo(review=last, user=users["reviewer"])
    assert last_decision(application, users["reviewer"]) == Review.objects.earliest("pk")
    make_cluster(application)
    assert last_decision(application, users["reviewer"]) is None


def test_what_was_decided_before_the_traffic_was_clustered_again_cannot_be_undone(
    application: Application, users: dict[str, User]
) -> None:
    review = cluster_decide(cluster=make_cluster(application), decision=Decision.APPROVE, user=users["reviewer"])
    make_cluster(application)
    with pytest.raises(OdiaError, match="clustered again since"):
        review_undo(review=review, user=users["reviewer"])


def test_a_cluster_of_an_earlier_clustering_cannot_be_decided(application: Application) -> None:
    old = make_cluster(application)
    make_cluster(application)
    with pytest.raises(OdiaError, match="earlier clustering"):
        cluster_decide(cluster=old, decision=Decision.APPROVE)


def test_the_policy_approves_only_what_reaches_every_threshold(application: Application) -> None:
    clustering = Clustering.objects.create(application=application, queries=100, patterns=10)
    good = make_cluster(application, clustering, name="good")
    make_cluster(application, clustering, name="hard", simplicity=0.5)
    make_cluster(application, clustering, name="mixed", evidence={"purity": {"lower": 0.4}})
    make_cluster(application, clustering, name="small", queries=3)
    make_cluster(application, clustering, name="split", status="replaced")
    make_cluster(application, clustering, name="chat", function="")
    assert approve_by_policy(application=application, simplicity=0.7, purity=0.9, queries=10) == (5, 1)
    assert list(Cluster.objects.filter(status="approved")) == [good]
    assert Review.objects.get().reviewer is None
