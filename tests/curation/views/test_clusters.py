"""The list of clusters, their map, and the page on which they are decided."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from curation.ml.calls import Call
from curation.models import Application, Cluster, Query, Review
from curation.models.clusters import ClusterStatus
from tests.curation.traffic import make_cluster, make_clustering, make_query

CAN = Call("play", {"artist": "Can"})


@pytest.fixture
def clusters(application: Application) -> list[Cluster]:
    """Three clusters in the order of their list; the first holds two queries that the teacher answered differently."""
    queries = [
        make_query(application, "play Can", CAN, minute=0),
        make_query(application, "Play  can", Call("volume", {"level": 3}), minute=1),
    ]
    clustering = make_clustering(application)
    return [
        make_cluster(clustering, "play {artist}", queries, saved_ms=3000),
        make_cluster(clustering, "put on {artist}", saved_ms=2000, simplicity=0.97),
        make_cluster(clustering, "hello", saved_ms=None, function="", status=ClusterStatus.REJECTED),
    ]


def test_the_list_comes_by_time_saved_and_narrows(client_of: dict[str, Client], clusters: list[Cluster]) -> None:
    client = client_of["viewer"]
    assert list(client.get(reverse("clusters")).context["clusters"]) == clusters
    undecided = client.get(reverse("clusters"), {"status": "proposed", "function": "play"})
    assert list(undecided.context["clusters"]) == clusters[:2]
    assert undecided.context["undecided"].clusters == 2


def test_a_decision_goes_on_to_the_next_undecided_cluster(
    client_of: dict[str, Client], clusters: list[Cluster]
) -> None:
    client = client_of["reviewer"]
    decide = reverse("cluster_decide", args=[clusters[1].pk])
    answer = client.post(f"{decide}?status=proposed", {"decision": "reject", "status": "proposed"})
    assert answer["Location"] == f"{reverse('cluster', args=[clusters[0].pk])}?status=proposed"
    last = client.post(reverse("cluster_decide", args=[clusters[0].pk]), {"decision": "approve", "status": "proposed"})
    assert last["Location"] == reverse("clusters")
    assert list(Cluster.objects.values_list("status", flat=True)) == ["approved", "rejected", "rejected"]


def test_a_stale_decision_is_told_and_changes_nothing(client_of: dict[str, Client], clusters: list[Cluster]) -> None:
    decide = reverse("cluster_decide", args=[clusters[2].pk])
    answer = client_of["reviewer"].post(decide, {"decision": "approve", "status": "proposed"}, follow=True)
    assert "Somebody has decided on this cluster meanwhile" in answer.content.decode()
    assert Cluster.objects.get(pk=clusters[2].pk).status == ClusterStatus.REJECTED


def test_the_last_decision_is_undone_from_the_next_cluster(
    client_of: dict[str, Client], clusters: list[Cluster]
) -> None:
    client = client_of["reviewer"]
    client.post(reverse("cluster_decide", args=[clusters[0].pk]), {"decision": "approve", "status": "proposed"})
    review = client.get(reverse("cluster", args=[clusters[1].pk])).context["undoable"]
    assert review == Review.objects.get()
    assert client.post(reverse("review_undo", args=[review.pk]))["Location"] == reverse(
        "cluster", args=[clusters[0].pk]
    )
    assert Cluster.objects.get(pk=clusters[0].pk).status == ClusterStatus.PROPOSED
    assert client.get(reverse("cluster", args=[clusters[1].pk])).context["undoable"] is None


def test_nobody_is_offered_to_undo_what_another_person_decided(
    client_of: dict[str, Client], clusters: list[Cluster]
) -> None:
    decide = reverse("cluster_decide", args=[clusters[0].pk])
    client_of["approver"].post(decide, {"decision": "approve", "status": "proposed"})
    assert client_of["reviewer"].get(reverse("cluster", args=[clusters[1].pk])).context["undoable"] is None


def test_a_cluster_shows_its_evidence_samples_and_contradictions(
    client_of: dict[str, Client], clusters: list[Cluster], django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(18):
        answer = client_of["reviewer"].get(reverse("cluster", args=[clusters[0].pk]))
    context = answer.context
    assert [part.label for part in context["evidence"]][:2] == ["Purity", "Consistency"]
    assert len(context["samples"]["Typical"]) == 2
    (contradiction,) = context["contradictions"]
    assert {answer.call.name for answer in contradiction.answers} == {"play", "volume"}
    assert (context["near"].previous, context["near"].following) == (None, clusters[1].pk)


def test_an_excluded_sample_leads_back_to_its_cluster(client_of: dict[str, Client], clusters: list[Cluster]) -> None:
    query = Query.objects.filter(pattern__cluster=clusters[0]).first()
    assert query
    answer = client_of["reviewer"].post(reverse("query_exclude", args=[query.pk]), {"cluster": clusters[0].pk})
    assert answer["Location"] == reverse("cluster", args=[clusters[0].pk])


def test_a_cluster_of_an_earlier_clustering_cannot_be_decided(
    client_of: dict[str, Client], application: Application, clusters: list[Cluster]
) -> None:
    make_clustering(application)
    page = client_of["reviewer"].get(reverse("cluster", args=[clusters[0].pk]))
    assert "belongs to an earlier clustering" in page.content.decode()
    assert 'value="approve"' not in page.content.decode()


def test_the_map_has_a_point_for_each_pattern_with_its_cluster_behind_it(
    client_of: dict[str, Client], clusters: list[Cluster]
) -> None:
    figure = client_of["viewer"].get(reverse("cluster_map")).context["figure"]
    points = {trace["name"]: [point["href"] for point in trace["customdata"]] for trace in figure["data"]}
    assert points["above 90%"] == [reverse("cluster", args=[clusters[1].pk])]
    assert sum(map(len, points.values())) == 3


@pytest.mark.parametrize("page", ["clusters", "cluster_map"])
def test_before_the_first_clustering_the_pages_say_so(
    page: str, client_of: dict[str, Client], application: Application
) -> None:
    assert "not clustered yet" in client_of["viewer"].get(reverse(page)).content.decode()
