"""The list of clusters with their map, and decisions on several of them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from curation.models import Application, Cluster, Pattern, Review
from curation.models.clusters import ClusterStatus
from curation.models.reviews import Decision
from curation.services.cluster_reviews import cluster_decide
from tests.curation.traffic import make_cluster, make_clustering


@pytest.fixture
def clusters(application: Application) -> list[Cluster]:
    """Four clusters in the order of their list, the last two decided: one by the policy, one carried on."""
    clustering = make_clustering(application)
    old = make_cluster(clustering, "old", status=ClusterStatus.REPLACED)
    policy = make_cluster(clustering, "play {artist}", saved_ms=900)
    talk: dict[str, Any] = {"saved_ms": None, "function": "", "status": ClusterStatus.REJECTED, "inherited_from": old}
    carried = make_cluster(clustering, "hello", **talk)
    small = make_cluster(clustering, "put on {artist}", saved_ms=2000, simplicity=0.97, share=0.01)
    large = make_cluster(clustering, "volume {level}", saved_ms=3000, function="volume", share=0.4)
    cluster_decide(cluster=policy, decision=Decision.APPROVE)
    return [large, small, Cluster.objects.get(pk=policy.pk), carried]


def listed(client: Client, **filters: str) -> list[str]:
    return [cluster.name for cluster, _ in client.get(reverse("clusters"), filters).context["clusters"]]


def versions(client: Client) -> dict[str, str]:
    """What the boxes of the list hold, by the cluster's name."""
    rows = client.get(reverse("clusters")).context["clusters"]
    return {cluster.name: f"{cluster.pk}:{version}" for cluster, version in rows}


def test_the_list_comes_by_time_saved_without_what_was_replaced(
    client_of: dict[str, Client], clusters: list[Cluster]
) -> None:
    assert listed(client_of["viewer"]) == [cluster.name for cluster in clusters]


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"status": "proposed"}, ["volume {level}", "put on {artist}"]),
        ({"status": "policy"}, ["play {artist}"]),
        ({"status": "carried"}, ["hello"]),
        ({"status": "rejected"}, ["hello"]),
        ({"function": "volume"}, ["volume {level}"]),
        ({"function": "-"}, ["hello"]),
        ({"simplicity": "95"}, ["put on {artist}"]),
        ({"traffic": "39.9"}, ["volume {level}"]),
        ({"q": "ARTIST", "status": "proposed"}, ["put on {artist}"]),
        ({"q": "\0", "simplicity": "much", "status": "replaced", "pick": "a,-1,"}, 4),
    ],
)
def test_the_filter_in_the_address_narrows_the_list(
    filters: dict[str, str], names: Any, client_of: dict[str, Client], clusters: list[Cluster]
) -> None:
    found = listed(client_of["viewer"], **filters)
    assert (len(found) if isinstance(names, int) else found) == names


def test_points_picked_on_the_map_narrow_the_list(client_of: dict[str, Client], clusters: list[Cluster]) -> None:
    picked = Pattern.objects.filter(template__in=["hello", "volume {level}"]).values_list("pk", flat=True)
    assert listed(client_of["viewer"], pick=",".join(map(str, picked))) == ["volume {level}", "hello"]
    answer = client_of["viewer"].get(reverse("clusters"), {"pick": str(picked[0]), "status": "rejected"})
    assert answer.context["without_pick"] == "?status=rejected"


def test_each_status_has_its_count_within_the_rest_of_the_filter(
    client_of: dict[str, Client], clusters: list[Cluster]
) -> None:
    tabs = client_of["viewer"].get(reverse("clusters"), {"q": "artist", "status": "approved"}).context["tabs"]
    counts = {tab["label"]: tab["count"] for tab in tabs}
    assert counts == {
        "All": 2, "To decide": 1, "Approved": 1, "Rejected": 0, "Carried on": 0, "Policy decided": 1
    }  # fmt: skip
    assert next(tab["href"] for tab in tabs if tab["label"] == "To decide") == "?q=artist&status=proposed"


def test_the_standing_tells_how_far_the_decisions_are(client_of: dict[str, Client], clusters: list[Cluster]) -> None:
    standing = client_of["viewer"].get(reverse("clusters"), {"q": "nothing"}).context["standing"]
    assert (standing.decided, standing.worth) == (2, 2)
    assert standing.approved == pytest.approx(clusters[2].share)


def test_selected_clusters_are_decided_and_undone_in_one_action(
    client_of: dict[str, Client], clusters: list[Cluster]
) -> None:
    client = client_of["reviewer"]
    boxes = versions(client)
    chosen = [boxes["volume {level}"], boxes["put on {artist}"]]
    address = f"{reverse('clusters_decide')}?status=proposed"
    answer = client.post(address, {"decision": "reject", "cluster": chosen}, follow=True)
    assert answer.redirect_chain == [(f"{reverse('clusters')}?status=proposed", 302)]
    assert Cluster.objects.filter(status=ClusterStatus.REJECTED).count() == 3
    review = answer.context["undoable"]
    client.post(reverse("batch_undo", args=[review.batch]))
    assert Cluster.objects.filter(status=ClusterStatus.PROPOSED).count() == 2


def test_what_somebody_else_decided_meanwhile_is_left_alone_and_told(
    client_of: dict[str, Client], users: dict[str, User], clusters: list[Cluster]
) -> None:
    client = client_of["reviewer"]
    boxes = versions(client)
    cluster_decide(cluster=clusters[0], decision=Decision.REJECT, user=users["approver"])
    chosen = [boxes["volume {level}"], boxes["put on {artist}"]]
    answer = client.post(reverse("clusters_decide"), {"decision": "approve", "cluster": chosen}, follow=True)
    told = answer.content.decode()
    assert "Approved: 1 cluster." in told
    assert "approver rejected it" in told
    assert list(Cluster.objects.filter(pk__in=[one.pk for one in clusters[:2]]).values_list("status", flat=True)) == [
        "rejected",
        "approved",
    ]


@pytest.mark.parametrize("sent", [{}, {"cluster": ["x", "9:", ":", "999999:proposed.0"]}])
def test_a_decision_on_nothing_changes_nothing(
    sent: dict[str, Any], client_of: dict[str, Client], clusters: list[Cluster]
) -> None:
    answer = client_of["reviewer"].post(reverse("clusters_decide"), {"decision": "approve", **sent})
    assert answer.status_code == 302
    assert Review.objects.count() == 1


def test_clusters_of_another_application_are_out_of_reach(
    client_of: dict[str, Client], clusters: list[Cluster]
) -> None:
    elsewhere = Application.objects.create(slug="other", name="Other")
    foreign = make_cluster(make_clustering(elsewhere), "foreign")
    sent = {"decision": "approve", "cluster": f"{foreign.pk}:proposed.0"}
    client_of["reviewer"].post(reverse("clusters_decide"), sent)
    foreign.refresh_from_db()
    assert foreign.status == ClusterStatus.PROPOSED


def test_the_list_costs_a_bounded_number_of_database_queries(
    client_of: dict[str, Client], clusters: list[Cluster], django_assert_max_num_queries: Any
) -> None:
    for number in range(60):
        make_cluster(clusters[0].clustering, f"play {number}", saved_ms=1.0)
    with django_assert_max_num_queries(18):
        answer = client_of["reviewer"].get(reverse("clusters"))
    assert len(answer.context["clusters"]) == 50
    last = client_of["reviewer"].get(reverse("clusters"), {"page": "2"})
    assert len(last.context["clusters"]) == 14


def test_the_map_has_a_point_for_each_pattern_with_its_keys(
    client_of: dict[str, Client], clusters: list[Cluster]
) -> None:
    figure = client_of["viewer"].get(reverse("cluster_map")).context["figure"]
    points = {trace["name"]: trace["customdata"] for trace in figure["data"]}
    pattern = Pattern.objects.get(template="put on {artist}")
    assert points["above 90%"] == [[pattern.pk, clusters[1].pk]]
    assert sum(map(len, points.values())) == Pattern.objects.count()


@pytest.mark.parametrize("page", ["clusters", "cluster_map"])
def test_before_the_first_clustering_the_pages_say_so(
    page: str, client_of: dict[str, Client], application: Application
) -> None:
    assert "not clustered yet" in client_of["viewer"].get(reverse(page)).content.decode()
