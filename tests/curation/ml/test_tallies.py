"""What is known of patterns adds up to what is known of their cluster."""

from __future__ import annotations

import numpy as np
import pytest

from curation.ml.calls import Call
from curation.ml.embedding import Embedder
from curation.ml.evidence import Whole, evidence_of
from curation.ml.mining import Mining, mine
from curation.ml.summaries import summarise
from curation.ml.tallies import Repeats, Tally, add_up
from curation.ml.traffic import Observation
from tests.curation.ml.conftest import Observe

PLAY, STOP = Call("play"), Call("stop")


@pytest.fixture(scope="module")
def mining(observations: list[Observation], embedder: Embedder) -> Mining:
    return mine(observations, embedder=embedder)


def test_the_tallies_of_its_patterns_give_a_clusters_evidence(mining: Mining) -> None:
    assert mining.clusters
    for cluster in mining.clusters:
        tallies = [tally for at in cluster.patterns if (tally := mining.patterns[at].tally)]
        summary = summarise(cluster.function or "", tallies, mining.whole)
        assert summary.evidence == cluster.evidence
        assert (summary.simplicity, summary.time_saved_ms) == (cluster.simplicity, cluster.time_saved_ms)


def test_every_pattern_of_a_cluster_is_tallied_with_its_queries_and_no_other_is(mining: Mining) -> None:
    for pattern in mining.patterns:
        assert (pattern.tally is None) == (pattern.cluster is None)
        assert pattern.tally is None or pattern.tally.queries == pattern.count


def test_shares_of_parts_add_up_and_no_order_matters(mining: Mining) -> None:
    tallies = [pattern.tally for pattern in mining.patterns if pattern.tally]
    forth, back = add_up(tallies), add_up(tallies[::-1])
    assert forth.queries == sum(tally.queries for tally in tallies)
    assert forth.labels == back.labels
    assert forth.same_pattern.pairs == back.same_pattern.pairs
    assert forth.chance == pytest.approx(back.chance)


def test_a_text_with_different_calls_is_told_as_a_repeat_and_as_a_contradiction(
    observe: Observe, embedder: Embedder
) -> None:
    pairs = [(f"play it number {number}", PLAY) for number in range(20)]
    mining = mine(observe(*pairs, ("play it", PLAY), ("Play it", PLAY), ("play  it", STOP)), embedder=embedder)
    cluster = max(mining.clusters, key=lambda cluster: len(cluster.patterns))
    assert cluster.contradictions == [["q22", "q21", "q20"]]
    repeats = add_up(mining.patterns[at].tally or Tally() for at in cluster.patterns).same_query
    assert repeats.pairs >= 1


def test_a_steady_teacher_contradicts_itself_nowhere(mining: Mining) -> None:
    assert not any(cluster.contradictions for cluster in mining.clusters)


def test_without_a_latency_there_is_no_time_and_with_some_there_is() -> None:
    assert add_up([Tally(queries=1), Tally(queries=2)]).teacher_ms is None
    assert add_up([Tally(queries=1, teacher_ms=5.0), Tally(queries=2, teacher_ms=7.0)]).teacher_ms == 12.0


def test_what_calls_no_function_is_not_simple_and_saves_nothing() -> None:
    talk = Tally(queries=4, labels={"": 4}, chance=0.0, teacher_ms=100.0)
    summary = summarise("", [talk], Whole(8, 200.0))
    assert (summary.simplicity, summary.time_saved_ms) == (0.0, 0.0)
    assert summary.evidence.volume.teacher_share == 0.5


def test_repeats_count_by_the_size_of_their_groups() -> None:
    tally = Tally(queries=6, labels={"play": 6}, same_query=Repeats(3, 3, 1.0) + Repeats(1, 2, 2.0))
    agreement = evidence_of("play", tally, Whole(6, None)).consistency.same_query
    assert (agreement.pairs, agreement.share) == (4, pytest.approx(3 / 5))


def test_the_samples_of_a_cluster_are_its_own_queries_or_look_alikes_and_in_one_list_only(mining: Mining) -> None:
    for cluster in mining.clusters:
        samples = [*cluster.samples.typical, *cluster.samples.borderline, *cluster.samples.odd]
        assert len(samples) == len(set(samples))
        own = [query for query in cluster.samples.typical if mining.pattern_of[query] in cluster.patterns]
        assert own == list(cluster.samples.typical)
        assert np.all([len(kind) <= 6 for kind in (cluster.samples.typical, cluster.samples.odd)])
