"""Splitting and merging: what comes of it is described as a run would, and can be undone."""

from __future__ import annotations

from itertools import pairwise

import pytest
from django.contrib.auth.models import User

from curation.errors import OdiaError
from curation.ml.calls import Call
from curation.models import Application, Cluster, Clustering, Query, Review
from curation.models.reviews import Decision
from curation.selectors.clusters import open_clusters, version_of
from curation.selectors.parts import proposed_parts
from curation.services.cluster_reviews import cluster_decide
from curation.services.clustering import cluster_traffic
from curation.services.regrouping import cluster_split, clusters_merge
from curation.services.undo import review_undo
from tests.curation.services.test_clustering import quiet
from tests.training.services.conftest import send, traffic

AGAIN = [("play abba", Call("play_artist", {"artist": "cher"})), ("Play Abba", Call("play_artist", {"artist": "abba"}))]


@pytest.fixture
def clustering(application: Application) -> Clustering:
    send(application, [*traffic(), *AGAIN])
    return cluster_traffic(application=application, report=quiet)


@pytest.fixture
def plays(clustering: Clustering) -> Cluster:
    """The cluster with most of the music."""
    return clustering.clusters.filter(function="play_artist").order_by("-queries")[0]


def state(clustering: Clustering) -> list[tuple[object, ...]]:
    """Everything about the open clusters, with their patterns."""
    names = [field.name for field in Cluster._meta.fields if field.name != "centroid"]
    return [
        (*(getattr(one, name) for name in names), tuple(one.patterns.values_list("pk", flat=True)))
        for one in open_clusters(clustering).order_by("pk")
    ]


def test_a_split_puts_two_undecided_clusters_in_the_place_of_one(
    clustering: Clustering, plays: Cluster, users: dict[str, User]
) -> None:
    chosen = set(plays.patterns.values_list("pk", flat=True)[:2])
    part, rest = cluster_split(cluster=plays, parts=[chosen], user=users["reviewer"])
    assert set(part.patterns.values_list("pk", flat=True)) == chosen
    assert part.queries + rest.queries == plays.queries
    assert part.share + rest.share == pytest.approx(plays.share)
    assert {part.status, rest.status} == {"proposed"}
    assert part.function == plays.function
    plays.refresh_from_db()
    assert plays.status == "replaced"
    assert set(plays.replaced_by.all()) == {part, rest}
    assert plays not in open_clusters(clustering)


def test_the_parts_have_evidence_and_samples_of_their_own(plays: Cluster, users: dict[str, User]) -> None:
    pattern = plays.patterns.get(template="play {artist}")
    part, rest = cluster_split(cluster=plays, parts=[{pattern.pk}], user=users["reviewer"])
    samples = Query.objects.filter(pk__in=[pk for kind in part.samples.values() for pk in kind])
    assert {query.pattern_id for query in samples} == {pattern.pk}
    assert part.evidence["volume"]["queries"] == pattern.queries
    assert 0 < part.simplicity <= 1
    for name, key in (("probe", "agreed"), ("purity", "chosen"), ("reach", "values")):
        assert part.evidence[name][key] + rest.evidence[name][key] == plays.evidence[name][key]


def test_a_contradiction_goes_where_its_queries_are(plays: Cluster, users: dict[str, User]) -> None:
    (alike,) = plays.contradictions
    home = set(Query.objects.filter(pk__in=alike, pattern__cluster=plays).values_list("pattern", flat=True))
    part, rest = cluster_split(cluster=plays, parts=[home], user=users["reviewer"])
    assert (part.contradictions, rest.contradictions) == ([alike], [])


def test_merged_parts_are_what_was_split(plays: Cluster, users: dict[str, User]) -> None:
    chosen = set(plays.patterns.values_list("pk", flat=True)[:2])
    parts = cluster_split(cluster=plays, parts=[chosen], user=users["reviewer"])
    merged = clusters_merge(clusters=parts, user=users["reviewer"])
    assert (merged.name, merged.queries) == (plays.name, plays.queries)
    assert merged.simplicity == pytest.approx(plays.simplicity)
    assert merged.saved_ms == pytest.approx(plays.saved_ms)
    assert merged.evidence["purity"] == plays.evidence["purity"]
    assert merged.radius == pytest.approx(plays.radius, abs=1e-4)


def test_a_split_is_undone_with_everything_as_it_was(
    clustering: Clustering, plays: Cluster, users: dict[str, User]
) -> None:
    cluster_decide(cluster=plays, decision=Decision.APPROVE, user=users["reviewer"])
    before = state(clustering)
    chosen = set(plays.patterns.values_list("pk", flat=True)[:2])
    made = cluster_split(cluster=plays, parts=[chosen], user=users["reviewer"])
    assert state(clustering) != before
    review_undo(review=Review.objects.get(decision=Decision.SPLIT), user=users["approver"])
    assert state(clustering) == before
    assert [list(one.replaced_by.all()) for one in made] == [[plays], [plays]]


def test_a_merge_is_undone_with_everything_as_it_was(clustering: Clustering, users: dict[str, User]) -> None:
    first, second = _two_of_one_function(clustering, users)
    before = state(clustering)
    clusters_merge(clusters=[first, second], user=users["reviewer"])
    review_undo(review=Review.objects.get(decision=Decision.MERGE), user=users["reviewer"])
    assert state(clustering) == before


def test_a_merge_keeps_a_decision_that_all_had_and_no_other(clustering: Clustering, users: dict[str, User]) -> None:
    first, second = _two_of_one_function(clustering, users)
    cluster_decide(cluster=first, decision=Decision.APPROVE, user=users["reviewer"])
    mixed = clusters_merge(clusters=[first, second], user=users["reviewer"])
    assert mixed.status == "proposed"
    review_undo(review=Review.objects.get(decision=Decision.MERGE), user=users["reviewer"])
    cluster_decide(cluster=second, decision=Decision.APPROVE, user=users["reviewer"])
    assert clusters_merge(clusters=[first, second], user=users["reviewer"]).status == "approved"


def test_a_split_whose_part_was_decided_is_undone_only_after_that(plays: Cluster, users: dict[str, User]) -> None:
    chosen = set(plays.patterns.values_list("pk", flat=True)[:2])
    part, _ = cluster_split(cluster=plays, parts=[chosen], user=users["reviewer"])
    split = Review.objects.get(decision=Decision.SPLIT)
    decision = cluster_decide(cluster=part, decision=Decision.REJECT, user=users["approver"])
    with pytest.raises(OdiaError, match=r"was decided on since \(rejected\)"):
        review_undo(review=split, user=users["reviewer"])
    review_undo(review=decision, user=users["approver"])
    review_undo(review=split, user=users["reviewer"])
    plays.refresh_from_db()
    assert plays.status == "proposed"


def test_a_replaced_cluster_takes_no_decision(plays: Cluster, users: dict[str, User]) -> None:
    chosen = set(plays.patterns.values_list("pk", flat=True)[:2])
    cluster_split(cluster=plays, parts=[chosen], user=users["reviewer"])
    for decide in (
        lambda: cluster_decide(cluster=plays, decision=Decision.APPROVE),
        lambda: cluster_split(cluster=plays, parts=[chosen], user=None),
    ):
        with pytest.raises(OdiaError, match=r"reviewer has split or merged .* meanwhile"):
            decide()


def test_a_stale_split_changes_nothing(plays: Cluster, users: dict[str, User]) -> None:
    chosen = set(plays.patterns.values_list("pk", flat=True)[:2])
    seen = version_of(plays, None)
    cluster_decide(cluster=plays, decision=Decision.APPROVE, user=users["approver"])
    with pytest.raises(OdiaError, match="approver approved it"):
        cluster_split(cluster=plays, parts=[chosen], user=users["reviewer"], seen=seen)
    assert plays.patterns.exists()


@pytest.mark.parametrize("share", ["none", "all", "foreign"])
def test_a_split_needs_some_but_not_all_of_its_own_patterns(
    share: str, clustering: Clustering, plays: Cluster, users: dict[str, User]
) -> None:
    own = set(plays.patterns.values_list("pk", flat=True))
    foreign = clustering.clusters.exclude(pk=plays.pk)[0].patterns.values_list("pk", flat=True)[0]
    chosen = {"none": set(), "all": own, "foreign": {foreign}}[share]
    with pytest.raises(OdiaError, match="patterns"):
        cluster_split(cluster=plays, parts=[chosen], user=users["reviewer"])
    assert not Review.objects.exists()


def test_clusters_of_different_functions_are_not_merged(clustering: Clustering, users: dict[str, User]) -> None:
    play = clustering.clusters.filter(function="play_artist")[0]
    pause = clustering.clusters.filter(function="pause")[0]
    with pytest.raises(OdiaError, match="the same function"):
        clusters_merge(clusters=[play, pause], user=users["reviewer"])
    with pytest.raises(OdiaError, match="at least two"):
        clusters_merge(clusters=[play], user=users["reviewer"])


def test_reclustering_proposes_the_same_parts_again_and_leaves_no_pattern_out(plays: Cluster) -> None:
    proposed = proposed_parts(plays, 3)
    again = proposed_parts(plays, 3)
    found = [[pattern.pk for pattern in part.patterns] for part in proposed]
    assert found == [[pattern.pk for pattern in part.patterns] for part in again]
    assert sorted(pk for part in found for pk in part) == sorted(plays.patterns.values_list("pk", flat=True))
    sizes = [part.summary.evidence.volume.queries for part in proposed]
    assert all(first >= second for first, second in pairwise(sizes))


def test_a_clustering_without_tallies_says_what_to_do(plays: Cluster, users: dict[str, User]) -> None:
    plays.patterns.update(tally={})
    chosen = set(plays.patterns.values_list("pk", flat=True)[:2])
    with pytest.raises(OdiaError, match="Cluster the traffic again"):
        cluster_split(cluster=plays, parts=[chosen], user=users["reviewer"])


def test_equal_decisions_on_the_parts_of_a_split_are_carried_on(
    clustering: Clustering, application: Application, plays: Cluster, users: dict[str, User]
) -> None:
    chosen = {plays.patterns.values_list("pk", flat=True)[0]}
    for part in cluster_split(cluster=plays, parts=[chosen], user=users["reviewer"]):
        cluster_decide(cluster=part, decision=Decision.APPROVE, user=users["reviewer"])
    successor = cluster_traffic(application=application, report=quiet)
    whole = successor.clusters.get(patterns__in=chosen)
    assert (whole.status, whole.note) == ("approved", "")
    assert whole.inherited_from


def _two_of_one_function(clustering: Clustering, users: dict[str, User]) -> list[Cluster]:
    whole = clustering.clusters.filter(function="play_artist").order_by("-queries")[0]
    chosen = set(whole.patterns.values_list("pk", flat=True)[:2])
    return cluster_split(cluster=whole, parts=[chosen], user=users["reviewer"])
