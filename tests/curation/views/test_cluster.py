"""The page of one cluster: what it shows, the decision and what comes after it, the split and the merge."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from curation.ml.calls import Call
from curation.models import Application, Cluster, Pattern, Query, Review
from curation.models.clusters import ClusterStatus
from curation.models.reviews import Decision
from curation.services.cluster_reviews import cluster_decide
from curation.services.query_reviews import call_correct
from tests.curation.traffic import make_cluster, make_clustering, make_query

CAN = Call("play", {"artist": "Can"})
TALLY = {"labels": {"play": 2}, "queries": 2, "outcome": 2, "chance": 1.8, "agreed": 2, "one_call": 2}


@pytest.fixture
def clusters(application: Application) -> list[Cluster]:
    """Three clusters in the order of their list; the first holds two queries that the teacher answered differently."""
    queries = [
        make_query(application, "play Can", CAN, minute=0),
        make_query(application, "Play  can", Call("volume", {"level": 3}), minute=1),
        make_query(application, "play can", CAN, minute=2),
    ]
    alike = [[str(query.pk) for query in queries]]
    clustering = make_clustering(application)
    first = make_cluster(clustering, "play {artist}", queries, saved_ms=3000, contradictions=alike)
    return [
        first,
        make_cluster(clustering, "put on {artist}", saved_ms=2000, simplicity=0.97),
        make_cluster(clustering, "hello", saved_ms=None, function="", status=ClusterStatus.REJECTED),
    ]


def decide(client: Client, cluster: Cluster, decision: str, seen: str = "proposed.0", kept: str = "") -> Any:
    address = reverse("cluster_decide", args=[cluster.pk]) + kept
    return client.post(address, {"decision": decision, "seen": seen})


def page_of(client: Client, cluster: Cluster) -> Any:
    return client.get(reverse("cluster", args=[cluster.pk]))


def test_a_decision_goes_on_to_the_next_undecided_cluster_within_the_filter(
    client_of: dict[str, Client], clusters: list[Cluster]
) -> None:
    client = client_of["reviewer"]
    answer = decide(client, clusters[1], "reject", kept="?status=proposed&q=play")
    assert answer["Location"] == f"{reverse('cluster', args=[clusters[0].pk])}?q=play&status=proposed"
    last = decide(client, clusters[0], "approve")
    assert last["Location"] == f"{reverse('clusters')}?"
    assert list(Cluster.objects.values_list("status", flat=True)) == ["approved", "rejected", "rejected"]


def test_nothing_outside_of_the_filter_comes_next(client_of: dict[str, Client], clusters: list[Cluster]) -> None:
    answer = decide(client_of["reviewer"], clusters[1], "reject", kept="?q=put")
    assert answer["Location"] == f"{reverse('clusters')}?q=put"


def test_a_carried_on_approval_is_confirmed_and_leads_to_the_next_one(
    client_of: dict[str, Client], clusters: list[Cluster]
) -> None:
    Cluster.objects.filter(pk__in=[one.pk for one in clusters[:2]]).update(
        status=ClusterStatus.APPROVED, inherited_from=clusters[2]
    )
    client = client_of["reviewer"]
    assert "Confirm the approval" in page_of(client, clusters[0]).content.decode()
    answer = decide(client, clusters[0], "approve", seen="approved.0", kept="?status=carried")
    assert answer["Location"].startswith(reverse("cluster", args=[clusters[1].pk]))
    confirmed = page_of(client, clusters[0])
    assert "Confirm the approval" not in confirmed.content.decode()


@pytest.mark.parametrize("seen", ["proposed.0", "", "nonsense"])
def test_a_stale_decision_is_told_and_changes_nothing(
    seen: str, client_of: dict[str, Client], users: dict[str, User], clusters: list[Cluster]
) -> None:
    cluster_decide(cluster=clusters[0], decision=Decision.REJECT, user=users["approver"])
    answer = client_of["reviewer"].post(
        reverse("cluster_decide", args=[clusters[0].pk]), {"decision": "approve", "seen": seen}, follow=True
    )
    assert "approver rejected it" in answer.content.decode()
    assert answer.redirect_chain[0][0] == reverse("cluster", args=[clusters[0].pk])
    assert Cluster.objects.get(pk=clusters[0].pk).status == ClusterStatus.REJECTED


def test_the_last_decision_is_undone_from_the_next_cluster(
    client_of: dict[str, Client], clusters: list[Cluster]
) -> None:
    client = client_of["reviewer"]
    decide(client, clusters[0], "approve")
    review = page_of(client, clusters[1]).context["undoable"]
    assert review == Review.objects.get()
    undone = client.post(reverse("review_undo", args=[review.pk]))
    assert undone["Location"].startswith(reverse("cluster", args=[clusters[0].pk]))
    assert Cluster.objects.get(pk=clusters[0].pk).status == ClusterStatus.PROPOSED
    assert page_of(client, clusters[1]).context["undoable"] is None


def test_nobody_is_offered_to_undo_what_another_person_decided(
    client_of: dict[str, Client], clusters: list[Cluster]
) -> None:
    decide(client_of["approver"], clusters[0], "approve")
    assert page_of(client_of["reviewer"], clusters[1]).context["undoable"] is None


def test_a_cluster_shows_its_evidence_samples_and_neighbours(
    client_of: dict[str, Client], clusters: list[Cluster], django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(34):
        context = page_of(client_of["reviewer"], clusters[0]).context
    assert [part.label for part in context["evidence"]][:2] == ["Purity", "Consistency"]
    assert len(context["samples"]["Typical"]) == 2
    assert (context["near"].previous, context["near"].following) == (None, clusters[1].pk)
    assert [one.name for one in context["nearest"]] == ["put on {artist}"]


def test_all_patterns_can_be_reached_and_selections_stay(client_of: dict[str, Client], clusters: list[Cluster]) -> None:
    for number in range(30):
        Pattern.objects.create(
            application=clusters[0].application,
            key=f"key {number}",
            template=f"play number {number}",
            queries=1,
            embedding=[0.0] * 384,
            cluster=clusters[0],
        )
    rare = Pattern.objects.get(template="play number 29")
    first = clusters[0].patterns.get(template="play {artist}")
    query = Query.objects.filter(pattern=first)[0]
    address = reverse("cluster", args=[clusters[0].pk])
    context = (
        client_of["viewer"].get(address, {"patterns": "3", "pattern": str(rare.pk), "query": str(query.pk)}).context
    )
    assert (len(context["patterns"].rows), context["patterns"].pages, context["patterns"].total) == (1, 3, 31)
    assert context["selected"] == {rare.pk, first.pk}
    assert context["selected_elsewhere"] == [first]


def test_a_contradiction_is_settled_for_all_alike_and_undone_in_one_action(
    client_of: dict[str, Client], clusters: list[Cluster]
) -> None:
    client = client_of["reviewer"]
    (found,) = page_of(client, clusters[0]).context["contradictions"].texts
    assert [(answer.call.name, answer.times) for answer in found.answers] == [("play", 2), ("volume", 1)]
    chosen = found.answers[0]
    sent = {"contradiction": found.key, "seen": found.version, "answer": chosen.query_id}
    client.post(reverse("cluster_settle", args=[clusters[0].pk]), sent)
    assert {query.function for query in Query.objects.all()} == {"play"}
    after = page_of(client, clusters[0])
    assert after.context["contradictions"].texts == []
    assert "All are settled" in after.content.decode()
    client.post(reverse("batch_undo", args=[after.context["undoable"].batch]))
    assert len(page_of(client, clusters[0]).context["contradictions"].texts) == 1


def test_a_contradiction_can_be_left_out_of_datasets(client_of: dict[str, Client], clusters: list[Cluster]) -> None:
    client = client_of["reviewer"]
    (found,) = page_of(client, clusters[0]).context["contradictions"].texts
    sent = {"contradiction": found.key, "seen": found.version, "exclude": "yes"}
    client.post(reverse("cluster_settle", args=[clusters[0].pk]), sent)
    assert not Query.objects.filter(excluded=False).exists()


@pytest.mark.parametrize("changed", [{"seen": "old"}, {"contradiction": "x"}, {"answer": "x"}])
def test_a_stale_answer_to_a_contradiction_is_told(
    changed: dict[str, str], client_of: dict[str, Client], clusters: list[Cluster]
) -> None:
    client = client_of["reviewer"]
    (found,) = page_of(client, clusters[0]).context["contradictions"].texts
    sent = {"contradiction": found.key, "seen": found.version, "answer": found.answers[0].query_id, **changed}
    answer = client.post(reverse("cluster_settle", args=[clusters[0].pk]), sent, follow=True)
    assert "Look at them again" in answer.content.decode()
    assert not Review.objects.exists()


def test_a_sample_that_was_decided_on_meanwhile_is_not_excluded(
    client_of: dict[str, Client], clusters: list[Cluster]
) -> None:
    page = client_of["reviewer"].get(reverse("cluster", args=[clusters[0].pk]))
    sample = page.context["samples"]["Typical"][0]
    call_correct(query=sample.query, call=None, user=None)
    given = {"cluster": clusters[0].pk, "state": sample.state}
    answer = client_of["reviewer"].post(reverse("query_exclude", args=[sample.query.pk]), given, follow=True)
    assert "was changed since this page was shown" in answer.content.decode()
    assert not Query.objects.get(pk=sample.query.pk).excluded


def test_an_excluded_sample_leads_back_to_its_cluster(client_of: dict[str, Client], clusters: list[Cluster]) -> None:
    query = Query.objects.filter(pattern__cluster=clusters[0]).first()
    assert query
    answer = client_of["reviewer"].post(reverse("query_exclude", args=[query.pk]), {"cluster": clusters[0].pk})
    assert answer["Location"].startswith(reverse("cluster", args=[clusters[0].pk]))


def test_a_cluster_of_an_earlier_clustering_cannot_be_decided(
    client_of: dict[str, Client], application: Application, clusters: list[Cluster]
) -> None:
    make_clustering(application)
    page = page_of(client_of["reviewer"], clusters[0]).content.decode()
    assert "belongs to an earlier clustering" in page
    assert 'value="approve"' not in page


@pytest.fixture
def tallied(clusters: list[Cluster]) -> list[Pattern]:
    """Two patterns of the first cluster, with tallies; the second cluster has one."""
    first = clusters[0].patterns.get()
    vectors = [[1.0] + [0.0] * 383, [0.0, 1.0] + [0.0] * 382]
    second = Pattern.objects.create(
        application=first.application,
        key="second",
        template="{artist} again",
        function="play",
        queries=2,
        embedding=vectors[1],
        cluster=clusters[0],
    )
    Pattern.objects.filter(pk=first.pk).update(embedding=vectors[0])
    Pattern.objects.update(tally=TALLY)
    return [first, second]


def test_the_parts_of_a_split_are_shown_before_it_is_done(
    client_of: dict[str, Client], clusters: list[Cluster], tallied: list[Pattern]
) -> None:
    client, address = client_of["reviewer"], reverse("cluster_split", args=[clusters[0].pk])
    context = client.get(address, {"pattern": tallied[1].pk}).context
    assert [part.name for part in context["by_selection"]] == ["{artist} again", "play {artist}"]
    assert sorted(part.name for part in context["proposed"]) == ["play {artist}", "{artist} again"]
    assert Cluster.objects.count() == 3
    sent = {"pattern": tallied[1].pk, "seen": context["version"]}
    answer = client.post(f"{address}?q=play", sent, follow=True)
    part = answer.context["cluster"]
    assert (part.name, part.status) == ("{artist} again", "proposed")
    assert answer.redirect_chain[0][0].endswith("?q=play")
    old = page_of(client, clusters[0])
    assert "was split or merged" in old.content.decode()
    assert part in old.context["replaced_by"]
    assert [review.decision for review in answer.context["reviews"]] == ["split"]


def test_the_proposed_parts_are_made_as_they_were_shown(
    client_of: dict[str, Client], clusters: list[Cluster], tallied: list[Pattern]
) -> None:
    client, address = client_of["reviewer"], reverse("cluster_split", args=[clusters[0].pk])
    shown = [{pattern.pk for pattern in part.patterns} for part in client.get(address).context["proposed"]]
    client.post(address, {"parts": "2", "seen": "proposed.0"})
    made = Cluster.objects.get(pk=clusters[0].pk).replaced_by.all()
    assert sorted(shown, key=min) == sorted((set(one.patterns.values_list("pk", flat=True)) for one in made), key=min)


@pytest.mark.parametrize("sent", [{}, {"pattern": "x"}, {"pattern": "999999"}, {"parts": "0"}])
def test_a_split_that_makes_no_sense_is_told_or_done_safely(
    sent: dict[str, str], client_of: dict[str, Client], clusters: list[Cluster]
) -> None:
    address = reverse("cluster_split", args=[clusters[0].pk])
    answer = client_of["reviewer"].post(address, {"seen": "proposed.0", **sent}, follow=True)
    assert 'class="message error"' in answer.content.decode()
    assert not Review.objects.exists()


def test_a_cluster_without_tallies_says_why_it_cannot_be_split(
    client_of: dict[str, Client], clusters: list[Cluster]
) -> None:
    page = client_of["reviewer"].get(reverse("cluster_split", args=[clusters[0].pk]))
    assert "one pattern only" in page.content.decode()


def test_near_clusters_are_merged_and_the_merge_is_undone(
    client_of: dict[str, Client], clusters: list[Cluster], tallied: list[Pattern]
) -> None:
    client = client_of["reviewer"]
    sent = {"with": f"{clusters[1].pk}:proposed.0", "seen": f"{clusters[0].pk}:proposed.0"}
    answer = client.post(reverse("cluster_merge", args=[clusters[0].pk]), sent, follow=True)
    merged = answer.context["cluster"]
    assert merged.patterns.count() == 3
    client.post(reverse("review_undo", args=[answer.context["undoable"].pk]))
    assert list(Cluster.objects.exclude(status="replaced")) == clusters


def test_selected_clusters_are_merged_from_the_list(
    client_of: dict[str, Client], clusters: list[Cluster], tallied: list[Pattern]
) -> None:
    chosen = [f"{one.pk}:proposed.0" for one in clusters[:2]]
    answer = client_of["reviewer"].post(
        reverse("clusters_decide"), {"decision": "merge", "cluster": chosen}, follow=True
    )
    assert answer.context["cluster"].patterns.count() == 3


def test_the_cluster_of_another_application_is_not_found(
    client_of: dict[str, Client], application: Application
) -> None:
    elsewhere = Application.objects.create(slug="other", name="Other")
    foreign = make_cluster(make_clustering(elsewhere), "foreign")
    client = client_of["reviewer"]
    assert client.get(reverse("cluster", args=[foreign.pk])).status_code == 404
    for name in ("cluster_decide", "cluster_settle", "cluster_split", "cluster_merge"):
        assert client.post(reverse(name, args=[foreign.pk])).status_code == 404
