from __future__ import annotations

from datetime import timedelta

import pytest

from curation.ml.calls import Call
from curation.models import Application, Cluster, Pattern
from curation.models.clusters import ClusterStatus
from curation.models.reviews import Decision
from curation.services.cluster_reviews import cluster_decide
from curation.services.clustering import cluster_traffic
from curation.services.policy_reviews import approve_by_policy
from curation.services.regrouping import cluster_split
from tests.training.services.conftest import START, quiet, send, traffic


def templates(cluster: Cluster) -> set[str]:
    return set(cluster.patterns.values_list("template", flat=True))


def asked_twice_over(application: Application, part: Cluster, times: int) -> set[str]:
    """New queries that lie near the only pattern of a part; the templates of both."""
    [pattern] = part.patterns.all()
    words = pattern.template.replace("{artist}", "").strip()
    asked_in_other_words(application, f"{words} {{}}, {words}", times)
    return {pattern.template, f"{words} {{artist}}, {words}"}


def asked_in_other_words(application: Application, template: str, times: int) -> None:
    names = [f"{letter}usic" for letter in "abcdefghijklmnopqrst"[:times]]
    calls: list[Call | None] = [Call("play_artist", {"artist": name}) for name in names]
    send(application, list(zip(map(template.format, names), calls, strict=True)), START + timedelta(days=1))


@pytest.fixture
def decided(application: Application) -> tuple[Cluster, Cluster]:
    """Two parts of what the clustering finds as one: the one approved, the other rejected."""
    send(application, traffic())
    clustering = cluster_traffic(application=application, report=quiet)
    cluster = max(clustering.clusters.filter(function="play_artist"), key=lambda one: one.patterns.count())
    patterns = [pattern.pk for pattern in cluster.patterns.all()]
    assert len(patterns) >= 4
    large, small = cluster_split(cluster=cluster, parts=[patterns[:-1], patterns[-1:]], user=None)
    cluster_decide(cluster=large, decision=Decision.APPROVE)
    cluster_decide(cluster=small, decision=Decision.REJECT)
    return large, small


def test_what_was_decided_on_differently_is_kept_apart_when_it_lies_together_again(
    application: Application, decided: tuple[Cluster, Cluster]
) -> None:
    before = {one: templates(one) for one in decided}
    again = cluster_traffic(application=application, report=quiet)
    parts = [again.clusters.get(inherited_from=old) for old in decided]
    for old, part in zip(decided, parts, strict=True):
        old.refresh_from_db()
        assert part.status == old.status and templates(part) == before[old]
        assert (part.queries, part.share, part.simplicity) == (old.queries, old.share, old.simplicity)
        assert "kept apart" in part.note
    names = again.clusters.filter(function="play_artist").values_list("name", flat=True)
    assert len(names) == len(set(names)), "nothing stands twice"
    assert sum(again.clusters.values_list("queries", flat=True)) <= again.queries


def test_what_is_new_goes_to_the_nearer_part(application: Application, decided: tuple[Cluster, Cluster]) -> None:
    near = asked_twice_over(application, decided[1], 3)
    again = cluster_traffic(application=application, report=quiet)
    rejected = again.clusters.get(status=ClusterStatus.REJECTED)
    assert templates(rejected) == near


def test_a_part_that_is_mostly_new_is_to_be_decided(application: Application, decided: tuple[Cluster, Cluster]) -> None:
    [rejected] = templates(decided[1])
    asked_twice_over(application, decided[1], 20)
    again = cluster_traffic(application=application, report=quiet)
    assert not again.clusters.filter(status=ClusterStatus.REJECTED).exists()
    [proposed] = again.clusters.filter(function="play_artist", status=ClusterStatus.PROPOSED)
    assert rejected in templates(proposed)
    approve_by_policy(application=application, simplicity=0.0, purity=0.0, queries=0)
    proposed.refresh_from_db()
    assert proposed.status == ClusterStatus.PROPOSED and "which was rejected" in proposed.note, "a person decides"


def test_where_no_part_carries_a_decision_on_the_cluster_stays_whole(
    application: Application, decided: tuple[Cluster, Cluster]
) -> None:
    everything = templates(decided[0]) | templates(decided[1])
    for words in ("hello play {}", "hello put on {}", "hello start {}", "hello give me {}", "hello listen to {}"):
        asked_in_other_words(application, words, 20)
    again = cluster_traffic(application=application, report=quiet)
    whole = [one for one in again.clusters.filter(status=ClusterStatus.PROPOSED) if everything <= templates(one)]
    assert [("which was rejected" in one.note, one.inherited_from) for one in whole] == [(True, None)]


def test_what_is_new_for_the_most_part_is_not_approved_by_the_policy_where_a_person_rejected_much_of_it(
    application: Application, decided: tuple[Cluster, Cluster]
) -> None:
    cluster_decide(cluster=decided[0], decision=Decision.REJECT)
    rejected = templates(decided[0]) | templates(decided[1])
    for words in ("hello play {}", "hello put on {}", "hello start {}", "hello give me {}", "hello listen to {}"):
        asked_in_other_words(application, words, 20)
    cluster_traffic(application=application, report=quiet)
    approve_by_policy(application=application, simplicity=0.0, purity=0.0, queries=0)
    assert not Pattern.objects.filter(template__in=rejected, cluster__status=ClusterStatus.APPROVED).exists()
