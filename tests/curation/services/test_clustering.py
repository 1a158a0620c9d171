from __future__ import annotations

from datetime import timedelta

import pytest

from curation.errors import OdiaError
from curation.ml.calls import Call
from curation.models import Application, Cluster, Clustering, Pattern, Query
from curation.models.reviews import Decision
from curation.services.cluster_reviews import cluster_decide
from curation.services.clustering import cluster_traffic
from tests.training.services.conftest import START, quiet, send, traffic


@pytest.fixture
def clustering(application: Application) -> Clustering:
    send(application, traffic())
    return cluster_traffic(application=application, report=quiet)


def test_queries_find_their_patterns_and_patterns_their_clusters(clustering: Clustering) -> None:
    assert clustering.queries == len(traffic())
    assert not Query.objects.filter(pattern=None).exists()
    assert Pattern.objects.get(template="play {artist}").queries == 12
    for cluster in clustering.clusters.all():
        assert cluster.queries == sum(cluster.patterns.values_list("queries", flat=True))
        assert 0 <= cluster.simplicity <= 1
        assert cluster.evidence["purity"]["queries"] >= cluster.queries


def test_decisions_carry_over_to_the_next_clustering(clustering: Clustering, application: Application) -> None:
    approved = clustering.clusters.filter(function="play_artist").first()
    rejected = clustering.clusters.filter(function="pause").first()
    assert approved
    assert rejected
    cluster_decide(cluster=approved, decision=Decision.APPROVE)
    cluster_decide(cluster=rejected, decision=Decision.REJECT)
    send(application, [("play moby", Call("play_artist", {"artist": "moby"}))], START + timedelta(days=1))
    successor = cluster_traffic(application=application, report=quiet)
    inherited = {
        (cluster.inherited_from, cluster.status) for cluster in successor.clusters.exclude(inherited_from=None)
    }
    assert inherited == {(approved, "approved"), (rejected, "rejected")}
    assert not successor.clusters.filter(inherited_from=None).exclude(status="proposed").exists()


def test_queries_with_earlier_turns_stay_out(application: Application) -> None:
    send(application, traffic())
    odd = Query.objects.filter(function="play_artist").first()
    assert odd
    Query.objects.filter(pk=odd.pk).update(context=[{"role": "user", "content": "hello"}])
    clustering = cluster_traffic(application=application, report=quiet)
    odd.refresh_from_db()
    assert odd.pattern is None
    assert clustering.queries == len(traffic()) - 1


def test_no_traffic_leaves_nothing_behind(application: Application) -> None:
    with pytest.raises(OdiaError, match="There is no traffic to mine"):
        cluster_traffic(application=application, report=quiet)
    assert not Clustering.objects.exists()
    assert not Cluster.objects.exists()
