"""Mining: from traffic to clusters with their evidence, in one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

import numpy as np

from curation.ml.calls import Call, canonical_call
from curation.ml.clustering import Group, cluster_patterns
from curation.ml.contradictions import contradictions_in
from curation.ml.evidence import Evidence, Whole, function_name
from curation.ml.patterns import ParameterUse, readable
from curation.ml.probe import agreements_with, run_probe
from curation.ml.projection import project
from curation.ml.regions import Region, find_regions
from curation.ml.samples import SAMPLES, Samples, choose_places
from curation.ml.simplicity import Calibration, estimate_agreement
from curation.ml.splitting import split_mixed
from curation.ml.summaries import summarise
from curation.ml.tallies import Measured, Tally, tally_patterns
from curation.ml.traffic import Canonical, Observation, Traffic

ProgressCallback = Callable[[str, float], None]

__all__ = ["MinedCluster", "MinedPattern", "Mining", "MiningError", "Observation", "Samples", "mine"]


class MiningError(ValueError):
    """There is nothing to mine; the message says what is missing."""


class TextEmbedder(Protocol):
    """What `mine` needs of an `Embedder`: unit vectors, float32, shape (len(texts), dimensions)."""

    def embed(self, texts: Sequence[str], progress: Callable[[float], None] | None = None) -> np.ndarray: ...


@dataclass(frozen=True, slots=True)
class MinedPattern:
    """A distinct pattern. `function`: what the teacher mostly chose for it, None if not one call. `x` and `y`, the
    place on the map, lie within -1 to 1. `cluster` is an index into `Mining.clusters`, None if in none; only then there
    is no tally."""

    key: str
    template: str
    function: str | None
    count: int
    embedding: np.ndarray
    x: float
    y: float
    cluster: int | None
    tally: Tally | None


@dataclass(frozen=True, slots=True)
class MinedCluster:
    """A cluster with its evidence; `name` is its commonest pattern's template.

    `centroid` is a unit vector, `radius` a cosine distance. `time_saved_ms` is simplicity times the teacher's
    latency summed over the cluster's queries (the mean of the known latencies stands in for an unknown one); None if
    no latency is known in the whole traffic. `contradictions` holds ids of queries with one text and different calls.
    """

    name: str
    function: str | None
    patterns: tuple[int, ...]
    centroid: np.ndarray
    radius: float
    evidence: Evidence
    simplicity: float
    time_saved_ms: float | None
    samples: Samples
    contradictions: list[list[str]]


@dataclass(frozen=True, slots=True)
class Mining:
    """What a mining run found. Clusters come by expected time saved, or by expected calls saved where no latency is
    known; `pattern_of` maps each query id to an index in `patterns`. `whole` is the traffic that was mined."""

    patterns: list[MinedPattern]
    pattern_of: dict[str, int]
    clusters: list[MinedCluster]
    parameters: dict[tuple[str, str], ParameterUse]
    calibration: Calibration | None
    whole: Whole


@dataclass
class _Embeddings:
    """Embeddings of pattern keys: those known before, and new ones as they are asked for."""

    embedder: TextEmbedder
    known: dict[str, np.ndarray] = field(default_factory=dict)

    def embed(self, keys: Sequence[str], progress: Callable[[float], None] | None = None) -> np.ndarray:
        new = [key for key in dict.fromkeys(keys) if key not in self.known]
        if new:
            vectors = self.embedder.embed([readable(key) for key in new], progress)
            self.known.update(zip(new, vectors, strict=True))
        return np.stack([self.known[key] for key in keys]).astype(np.float32)


def mine(
    observations: Sequence[Observation],
    *,
    embedder: TextEmbedder,
    embeddings_known: Mapping[str, np.ndarray] | None = None,
    resamples: Mapping[str, Sequence[Call | None]] | None = None,
    canonical: Canonical = canonical_call,
    progress: ProgressCallback = lambda phase, fraction: None,
) -> Mining:
    """Find patterns and clusters in the traffic, and how simple each cluster is.

    Args:
        observations: the traffic; query ids are distinct.
        embedder: embeds patterns that `embeddings_known` (by pattern key) does not hold.
        resamples: by query id, calls that the teacher made when asked again.
        canonical: what tells calls apart; `canonical_call` bound to a tool set and rules, where there are any.
        progress: told the phase and the fraction of all the work done; whatever it raises ends the run.

    Raises:
        MiningError: there is no traffic.
    """
    if not observations:
        raise MiningError("There is no traffic to mine: import a log or send queries through the gateway first.")
    progress("Reading the traffic", 0.0)
    traffic = Traffic(observations, canonical)
    store = _Embeddings(embedder, dict(embeddings_known or {}))
    embeddings = store.embed(traffic.keys, _part(progress, "Embedding patterns", 0.02, 0.4))
    probe = run_probe(traffic, _part(progress, "Probing what can be learned", 0.4, 0.75))
    agreements = agreements_with(probe, traffic)
    progress("Clustering", 0.75)
    dense = cluster_patterns(embeddings, traffic.pattern_labels, traffic.counts)
    chosen = np.bincount(traffic.pattern_of, weights=agreements.function)
    groups = split_mixed(dense, embeddings, traffic.counts, chosen)
    lookup = partial(store.embed, progress=_part(progress, "Looking for look-alikes", 0.78, 0.9))
    regions = find_regions(traffic, groups, probe, lookup)
    progress("Gathering evidence", 0.9)
    latencies = _latencies(observations)
    whole = Whole(len(observations), None if latencies is None else float(latencies.sum()))
    estimate = estimate_agreement(traffic, probe, agreements)
    measured = Measured(traffic, agreements, estimate, latencies, resamples or {}, canonical)
    tallies = [
        tally_patterns(measured, region, _nearest_patterns(group, region, embeddings, store))
        for group, region in zip(groups, regions, strict=True)
    ]
    found = contradictions_in(traffic, [group.patterns for group in groups])
    clusters = [
        _cluster(traffic, group, own, whole, embeddings, texts)
        for group, own, texts in zip(groups, tallies, found, strict=True)
    ]
    progress("Drawing the map", 0.93)
    patterns = _patterns(traffic, groups, tallies, embeddings)
    mining = _in_order(traffic, patterns, clusters, estimate.calibration, whole)
    progress("Done", 1.0)
    return mining


def _part(progress: ProgressCallback, phase: str, start: float, end: float) -> Callable[[float], None]:
    progress(phase, start)
    return lambda fraction: progress(phase, start + (end - start) * fraction)


def _latencies(observations: Sequence[Observation]) -> np.ndarray | None:
    known = [seen.latency_ms for seen in observations if seen.latency_ms is not None]
    if not known:
        return None
    mean = float(np.mean(known))
    return np.array([mean if seen.latency_ms is None else seen.latency_ms for seen in observations])


def _nearest_patterns(group: Group, region: Region, embeddings: np.ndarray, store: _Embeddings) -> dict[int, int]:
    """Of each look-alike (by position) the pattern of the group that it is nearest to."""
    if not region.lookalikes:
        return {}
    similarities = store.embed(list(region.lookalikes.values())) @ embeddings[list(group.patterns)].T
    nearest = similarities.argmax(1).tolist()
    return {at: group.patterns[place] for at, place in zip(region.lookalikes, nearest, strict=True)}


def _patterns(
    traffic: Traffic, groups: Sequence[Group], tallies: Sequence[Mapping[int, Tally]], embeddings: np.ndarray
) -> list[MinedPattern]:
    tally_of = {pattern: tally for own in tallies for pattern, tally in own.items()}
    home = {pattern: at for at, group in enumerate(groups) for pattern in group.patterns}
    places = project(embeddings, traffic.counts)
    return [
        MinedPattern(
            key=key,
            template=traffic.templates[at],
            function=function_name(traffic.pattern_labels[at]),
            count=int(traffic.counts[at]),
            embedding=embeddings[at],
            x=float(places[at, 0]),
            y=float(places[at, 1]),
            cluster=home.get(at),
            tally=tally_of.get(at),
        )
        for at, key in enumerate(traffic.keys)
    ]


def _cluster(
    traffic: Traffic,
    group: Group,
    tallies: Mapping[int, Tally],
    whole: Whole,
    embeddings: np.ndarray,
    contradictions: list[list[str]],
) -> MinedCluster:
    own = [tallies[at] for at in group.patterns]
    summary = summarise(group.function, own, whole)
    commonest = max(group.patterns, key=lambda at: (traffic.counts[at], -at))
    return MinedCluster(
        name=traffic.templates[commonest],
        function=summary.evidence.function,
        patterns=group.patterns,
        centroid=group.centroid,
        radius=group.radius,
        evidence=summary.evidence,
        simplicity=summary.simplicity,
        time_saved_ms=summary.time_saved_ms,
        samples=_samples(traffic, group, own, embeddings),
        contradictions=contradictions,
    )


def _samples(traffic: Traffic, group: Group, tallies: Sequence[Tally], embeddings: np.ndarray) -> Samples:
    """The first query of each of the chosen patterns, and look-alikes."""
    lookalikes = [query_id for tally in tallies for query_id in tally.odd][:SAMPLES]
    distances = 1 - embeddings[list(group.patterns)] @ group.centroid
    chances = np.array([tally.chance / tally.queries for tally in tallies])
    places = choose_places(distances, chances, len(lookalikes))
    typical, borderline, odd = (
        tuple(traffic.first_query[group.patterns[place]] for place in chosen)
        for chosen in (places.typical, places.borderline, places.odd)
    )
    return Samples(typical, borderline, (*lookalikes, *odd))


def _in_order(
    traffic: Traffic,
    patterns: list[MinedPattern],
    clusters: list[MinedCluster],
    calibration: Calibration | None,
    whole: Whole,
) -> Mining:
    """The result, with the clusters that are worth the most first and the patterns pointing at them."""
    order = sorted(range(len(clusters)), key=lambda at: _worth(clusters[at]), reverse=True)
    rank = {old: new for new, old in enumerate(order)}
    moved = [_moved(pattern, rank) for pattern in patterns]
    queries = zip(traffic.observations, traffic.pattern_of, strict=True)
    ids = {seen.query_id: int(at) for seen, at in queries}
    return Mining(moved, ids, [clusters[at] for at in order], traffic.kinds, calibration, whole)


def _worth(cluster: MinedCluster) -> tuple[float, int]:
    queries = cluster.evidence.volume.queries
    saved = cluster.time_saved_ms
    return cluster.simplicity * queries if saved is None else saved, queries


def _moved(pattern: MinedPattern, rank: Mapping[int, int]) -> MinedPattern:
    return pattern if pattern.cluster is None else replace(pattern, cluster=rank[pattern.cluster])
