from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from curation.ml.calls import Call
from curation.ml.embedding import Embedder
from curation.ml.evidence import describe
from curation.ml.mining import MinedCluster, Mining, MiningError, Observation, mine
from curation.ml.traffic import Traffic
from tests.curation.ml.conftest import Observe


@pytest.fixture(scope="module")
def mining(observations: list[Observation], embedder: Embedder) -> Mining:
    return mine(observations, embedder=embedder)


def of(mining: Mining, function: str | None) -> list[MinedCluster]:
    return [cluster for cluster in mining.clusters if cluster.function == function]


def queries_in(mining: Mining, clusters: list[MinedCluster]) -> int:
    return sum(mining.patterns[at].count for cluster in clusters for at in cluster.patterns)


def test_every_query_has_its_pattern(mining: Mining, observations: list[Observation]) -> None:
    assert set(mining.pattern_of) == {seen.query_id for seen in observations}
    counted = Counter(mining.pattern_of.values())
    assert [pattern.count for pattern in mining.patterns] == [counted[at] for at in range(len(mining.patterns))]
    assert len(mining.patterns) == 6 + 4 + 6
    assert mining.patterns[mining.pattern_of["q0"]].template == "play {song}"


def test_patterns_and_clusters_point_at_each_other(mining: Mining) -> None:
    for at, cluster in enumerate(mining.clusters):
        assert all(mining.patterns[pattern].cluster == at for pattern in cluster.patterns)
    assigned = {at for at, pattern in enumerate(mining.patterns) if pattern.cluster is not None}
    assert assigned == {pattern for cluster in mining.clusters for pattern in cluster.patterns}


def test_each_function_has_its_clusters_and_no_call_has_its_own(mining: Mining) -> None:
    assert queries_in(mining, of(mining, "play_song")) == 60
    assert queries_in(mining, of(mining, "lights_on")) == 32
    assert queries_in(mining, of(mining, None)) == 6


def test_what_a_consistent_teacher_does_comes_out_simple(mining: Mining) -> None:
    for function in ("play_song", "lights_on"):
        (cluster,) = of(mining, function)
        assert cluster.simplicity > 0.75
        assert cluster.evidence.purity.lower > 0.85
        assert cluster.evidence.reach.share == 1.0
        assert cluster.evidence.consistency.same_pattern.share == 1.0


def test_what_gets_no_call_saves_nothing(mining: Mining) -> None:
    assert [(cluster.simplicity, cluster.time_saved_ms) for cluster in of(mining, None)] == [(0.0, 0.0)]


def test_clusters_come_by_the_time_they_would_save(mining: Mining, observations: list[Observation]) -> None:
    saved = [cluster.time_saved_ms or 0.0 for cluster in mining.clusters]
    assert saved == sorted(saved, reverse=True)
    total = sum(seen.latency_ms or 0 for seen in observations)
    cluster = mining.clusters[0]
    assert cluster.evidence.volume.teacher_ms is not None
    assert cluster.time_saved_ms == pytest.approx(cluster.simplicity * cluster.evidence.volume.teacher_ms)
    assert sum(cluster.evidence.volume.teacher_share or 0 for cluster in mining.clusters) == pytest.approx(1)
    assert sum(cluster.evidence.volume.teacher_ms or 0 for cluster in mining.clusters) == pytest.approx(total)


def test_samples_are_distinct_queries_of_the_traffic(mining: Mining) -> None:
    for cluster in mining.clusters:
        shown = [*cluster.samples.typical, *cluster.samples.borderline, *cluster.samples.odd]
        assert shown
        assert len(shown) == len(set(shown))
        assert set(shown) <= set(mining.pattern_of)


def test_the_map_is_bounded_and_the_same_each_time(
    mining: Mining, observations: list[Observation], embedder: Embedder
) -> None:
    places = np.array([(pattern.x, pattern.y) for pattern in mining.patterns])
    assert np.abs(places).max() == pytest.approx(1)
    again = mine(observations, embedder=embedder)
    assert [(pattern.x, pattern.y) for pattern in again.patterns] == [tuple(place) for place in places]
    assert [cluster.simplicity for cluster in again.clusters] == [cluster.simplicity for cluster in mining.clusters]


def test_embeddings_that_are_known_are_not_computed_again(mining: Mining, observations: list[Observation]) -> None:
    known = {pattern.key: pattern.embedding for pattern in mining.patterns}
    again = mine(observations, embedder=_Refusing(), embeddings_known=known)
    assert [cluster.name for cluster in again.clusters] == [cluster.name for cluster in mining.clusters]


class _Refusing:
    def embed(self, texts: object, progress: object = None) -> np.ndarray:
        raise AssertionError(f"asked to embed {texts}")


def test_an_inconsistent_teacher_makes_a_cluster_less_simple(
    mining: Mining, observations: list[Observation], embedder: Embedder
) -> None:
    rng = random.Random(3)
    wrong = (Call("lights_on", {"room": "kitchen"}), None, Call("play_song", {"song": "anything"}))
    shaken = [
        replace(seen, call=rng.choice(wrong)) if seen.label == "play_song" and rng.random() < 0.4 else seen
        for seen in observations
    ]
    steady = max(cluster.simplicity for cluster in of(mining, "play_song"))
    unsteady = max(of(mine(shaken, embedder=embedder), "play_song"), key=lambda c: c.evidence.volume.queries)
    assert unsteady.simplicity < steady - 0.1
    assert unsteady.evidence.purity.lower < 0.8


def test_repeats_and_answers_asked_for_again_are_evidence(observe: Observe, embedder: Embedder) -> None:
    play, stop = Call("play", {"song": "hello"}), Call("play", {"song": "halo"})
    seen = observe(*[("play hello", play)] * 3, ("Play  Hello", stop))
    (cluster,) = mine(seen, embedder=embedder, resamples={"q0": [play, None]}).clusters
    assert (cluster.evidence.consistency.same_query.pairs, cluster.evidence.consistency.same_query.share) == (6, 0.5)
    assert (cluster.evidence.consistency.resampled.pairs, cluster.evidence.consistency.resampled.share) == (2, 0.5)


def test_a_text_with_two_answers_counts_against_both_functions(observe: Observe, embedder: Embedder) -> None:
    seen = observe(*[("stop", Call("pause"))] * 6, *[("stop", Call("alarm_off"))] * 4)
    (cluster,) = mine(seen, embedder=embedder).clusters
    assert (cluster.function, cluster.evidence.purity.chosen, cluster.evidence.purity.queries) == ("pause", 6, 10)
    assert cluster.evidence.purity.others == {"alarm_off": 4}


def test_shape_counts_several_calls_and_earlier_turns(observe: Observe, embedder: Embedder) -> None:
    call = Call("play", {"song": "it"})
    seen = [replace(one, has_context=at == 0) for at, one in enumerate(observe(*[("play it", call)] * 4))]
    seen.append(Observation("double", "play it", call, several_calls=True))
    (cluster,) = mine(seen, embedder=embedder).clusters
    shape = cluster.evidence.shape
    assert (shape.one_call, shape.with_context, shape.mean_words) == (0.8, 0.2, 2.0)


def test_without_latencies_the_order_is_by_calls_saved(observations: list[Observation], embedder: Embedder) -> None:
    unknown = [replace(seen, latency_ms=None) for seen in observations]
    clusters = mine(unknown, embedder=embedder).clusters
    assert {cluster.time_saved_ms for cluster in clusters} == {None}
    worth = [cluster.simplicity * cluster.evidence.volume.queries for cluster in clusters]
    assert worth == sorted(worth, reverse=True)


def test_an_unknown_latency_counts_as_the_mean_of_the_known(observe: Observe, embedder: Embedder) -> None:
    seen = observe(*[("stop", Call("stop"))] * 3)
    seen = [replace(one, latency_ms=ms) for one, ms in zip(seen, (100.0, 300.0, None), strict=True)]
    (cluster,) = mine(seen, embedder=embedder).clusters
    assert cluster.evidence.volume.teacher_ms == 600.0


def test_no_traffic_is_told(embedder: Embedder) -> None:
    with pytest.raises(MiningError, match="There is no traffic to mine"):
        mine([], embedder=embedder)


PLAY = Call("play", {"song": "hello", "loud": True, "options": {"a": [1]}, "tags": []})
ODD_TRAFFIC: dict[str, list[tuple[str, Call | None]]] = {
    "one query": [("play hello", PLAY)],
    "one query repeated": [("play hello", PLAY)] * 40,
    "five queries": [(f"play {word}", Call("play", {"song": word})) for word in "abcde"],
    "no calls": [(f"hi {at}", None) for at in range(20)],
    "one function without arguments": [(f"stop number {at}", Call("stop")) for at in range(40)],
    "a function for each query": [(f"word{at}", Call(f"f{at}")) for at in range(30)],
    "empty and blank texts": [("", PLAY), (" ", None), ("\t\n", PLAY), ("", None), ("", PLAY)],
    "very long texts": [(f"{'word ' * 20_000}{at}", PLAY if at % 2 else None) for at in range(4)],
    "marks only": [("?!" * at, None) for at in range(1, 12)],
    "other scripts": [(f"播放{at}周杰伦的歌 ﷽ 𝔘 \u0301", Call("play", {"artist": "周杰伦"})) for at in range(20)],
    "braces": [(f"say {{x}} {{ }} {at}", Call("say", {"{x}": at, "": "say"})) for at in range(20)],
}


@pytest.mark.parametrize("name", ODD_TRAFFIC)
def test_odd_traffic_is_mined_like_any_other(name: str, observe: Observe, embedder: Embedder) -> None:
    mining = mine(observe(*ODD_TRAFFIC[name]), embedder=embedder)
    assert mining.clusters
    assert queries_in(mining, mining.clusters) == len(ODD_TRAFFIC[name])
    for cluster in mining.clusters:
        assert 0 <= cluster.simplicity <= 1
        assert len(describe(cluster.evidence)) == 6
        assert json.dumps(cluster.evidence.as_json(), allow_nan=False)


def test_progress_rises_to_one_and_whatever_it_raises_ends_the_run(
    observations: list[Observation], embedder: Embedder
) -> None:
    told: list[float] = []
    mine(observations, embedder=embedder, progress=lambda phase, fraction: told.append(fraction))
    assert told == sorted(told)
    assert told[-1] == 1.0
    with pytest.raises(InterruptedError):
        mine(observations, embedder=embedder, progress=_stop_at_half)


def _stop_at_half(phase: str, fraction: float) -> None:
    if fraction > 0.5:
        raise InterruptedError


def test_values_that_a_student_cannot_produce_are_out_of_reach(observe: Observe) -> None:
    closed = [("louder", Call("volume", {"direction": "up"}))] * 5
    invented = [(f"remember this {at}", Call("note", {"id": f"id-{at}x"})) for at in range(5)]
    traffic = Traffic(observe(*closed, *invented))
    assert traffic.reachable(0) == (1, 1)
    assert traffic.reachable(5) == (0, 1)
