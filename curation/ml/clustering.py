"""Clusters: patterns that lie together and call the same function."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
from sklearn.cluster import HDBSCAN
from sklearn.decomposition import PCA

SHARED_DIMENSIONS = 64
"""Kept of the embeddings for all functions together ..."""
REDUCED_DIMENSIONS = 10
"""... and of those for each function."""
SMALLEST = 8
"""Fewer patterns than this never make a cluster by density."""
SMALLEST_SHARE = 0.02
"""Nor do fewer than this share of the function's patterns: people review clusters one by one."""
LEAST_SHARE = 0.005
"""A dense place with less than this share of all traffic goes with its nearest neighbour: it is not worth a decision
of its own."""
HEAVY_SHARE = 0.002
"""A pattern with this share of all traffic that no cluster takes is a cluster of its own."""
RADIUS_SHARE = 0.97
"""The radius reaches this share of the cluster's traffic."""
TIGHTEST = 0.15
"""No radius is smaller: one pattern alone still stands for its rewordings."""


MIXED = 0.05
"""With more than this share of its traffic under another verdict, a cluster carries no decision on."""
JOINING_REACH = 0.5
"""A pattern in no dense place joins the nearest cluster of its function within its radius, or within this distance."""


Key = TypeVar("Key")


class Located(Protocol):
    """What it takes to find the cluster of a query: the function, and a sphere of cosine distances."""

    @property
    def function(self) -> str | None: ...
    @property
    def centroid(self) -> np.ndarray: ...
    @property
    def radius(self) -> float: ...


AnyCluster = TypeVar("AnyCluster", bound=Located)


@dataclass(frozen=True, slots=True)
class Group:
    """Patterns (by index) of one label, with the mean of their embeddings (a unit vector) and its reach.

    `radius` is a cosine distance, 0 to 2.
    """

    function: str
    patterns: tuple[int, ...]
    centroid: np.ndarray
    radius: float


def cluster_patterns(embeddings: np.ndarray, functions: Sequence[str], counts: np.ndarray) -> list[Group]:
    """Cluster patterns by density inside each function (HDBSCAN, Campello, Moulavi and Sander, 2013).

    Args:
        embeddings: unit vectors, shape (patterns, dimensions).
        functions: the label of each pattern.
        counts: how many queries each pattern has.

    Returns:
        Clusters with the most traffic first. Patterns that are in none are too far from any of their function.
    """
    groups: list[Group] = []
    labels = np.array(functions, dtype=object)
    total = int(counts.sum())
    reduced = reduce_dimensions(embeddings, SHARED_DIMENSIONS)
    for function in dict.fromkeys(functions):
        rows = np.flatnonzero(labels == function)
        groups += _cluster_function(function, rows, _by_density(reduced[rows]), embeddings, counts, total)
    return sorted(groups, key=lambda group: -int(counts[list(group.patterns)].sum()))


def assign(embedding: np.ndarray, function: str | None, clusters: Sequence[AnyCluster]) -> AnyCluster | None:
    """The nearest cluster of the function, if the pattern's embedding lies within its radius."""
    own = [cluster for cluster in clusters if cluster.function == function]
    if not own:
        return None
    distances = 1 - np.stack([cluster.centroid for cluster in own]) @ embedding
    nearest = int(distances.argmin())
    return own[nearest] if distances[nearest] <= own[nearest].radius else None


@dataclass(frozen=True, slots=True)
class Heritage(Generic[Key]):
    """What a new cluster has from the decided old ones: the one whose verdict it takes over, if any, and of those with
    another verdict the one that most of its traffic was in, with the share of the new cluster's traffic in all of
    those."""

    home: Key | None = None
    against: Key | None = None
    share_against: float = 0.0

    @property
    def mixed(self) -> bool:
        """Whether it holds so much of another verdict that it takes over none."""
        return self.home is None and self.against is not None


def inherit(
    old_clusters: Mapping[Key, Mapping[str, int]],
    verdicts: Mapping[Key, str],
    new_clusters: Sequence[Mapping[str, int]],
) -> list[Heritage[Key]]:
    """For each new cluster, which old one's verdict it takes over.

    That is the verdict under which more than half of its traffic was, unless it is mixed: more than `MIXED` of its
    traffic was under a second verdict, or it takes up more than half of a cluster with that one. Clusters are given
    as counts of queries by pattern key; the counts of the new cluster decide. An old cluster may be inherited by
    several new ones.
    """
    order = sorted(old_clusters.items(), key=lambda item: sum(item[1].values()))
    home = {key: name for name, patterns in order for key in patterns}
    return [_heritage(old_clusters, verdicts, home, patterns) for patterns in new_clusters]


def _heritage(
    old_clusters: Mapping[Key, Mapping[str, int]],
    verdicts: Mapping[Key, str],
    home: Mapping[str, Key],
    patterns: Mapping[str, int],
) -> Heritage[Key]:
    shares, total = shares_of(home, patterns), sum(patterns.values())
    by_verdict: Counter[str] = Counter()
    for name, count in shares.items():
        by_verdict[verdicts[name]] += count
    if not by_verdict:
        return Heritage()
    [(verdict, under)] = by_verdict.most_common(1)
    others = [name for name, _ in shares.most_common() if verdicts[name] != verdict]
    share = sum(shares[name] for name in others) / total
    if share > MIXED or any(_is_swallowed(old_clusters[name], patterns) for name in others):
        return Heritage(None, others[0], share)
    if 2 * under <= total:
        return Heritage()
    main = next(name for name, _ in shares.most_common() if verdicts[name] == verdict)
    return Heritage(main, others[0], share) if others else Heritage(main)


def _is_swallowed(old: Mapping[str, int], patterns: Mapping[str, int]) -> bool:
    """Whether most of an old cluster's traffic lies in patterns of the new one."""
    return 2 * sum(count for key, count in old.items() if key in patterns) > sum(old.values())


def shares_of(home: Mapping[str, Key], patterns: Mapping[str, int]) -> Counter[Key]:
    """How many of the queries, by pattern key, lay in which old cluster; `home` names that of each pattern."""
    shares: Counter[Key] = Counter()
    for key, count in patterns.items():
        if key in home:
            shares[home[key]] += count
    return shares


def reduce_dimensions(embeddings: np.ndarray, dimensions: int) -> np.ndarray:
    """The first principal components, as many as asked for or as there are; the same for the same input."""
    model = PCA(min(dimensions, *embeddings.shape), svd_solver="covariance_eigh")
    return model.fit_transform(embeddings) if len(embeddings) > 1 else embeddings


def make_group(function: str, rows: np.ndarray, embeddings: np.ndarray, counts: np.ndarray) -> Group:
    """The cluster of these patterns: centroid weighted by traffic, radius around nearly all of it."""
    mean = counts[rows] @ embeddings[rows]
    centroid = (mean / max(float(np.linalg.norm(mean)), 1e-12)).astype(np.float32)
    distances = 1 - embeddings[rows] @ centroid
    order = distances.argsort()
    reached = np.cumsum(counts[rows][order]) >= RADIUS_SHARE * counts[rows].sum()
    radius = max(TIGHTEST, float(distances[order][int(reached.argmax())]))
    return Group(function, tuple(int(row) for row in rows), centroid, radius)


def _cluster_function(
    function: str,
    rows: np.ndarray,
    labels: np.ndarray,
    embeddings: np.ndarray,
    counts: np.ndarray,
    total: int,
) -> list[Group]:
    """The clusters of a function from the density label of each of its patterns, -1 for none."""
    if labels.max() < 0:
        labels[:] = 0
    cores = [make_group(function, rows[labels == label], embeddings, counts) for label in range(labels.max() + 1)]
    members: list[list[int]] = [list(core.patterns) for core in cores]
    alone = []
    for row in rows[labels < 0]:
        distances = [float(1 - core.centroid @ embeddings[row]) for core in cores]
        nearest = int(np.argmin(distances))
        if distances[nearest] <= max(cores[nearest].radius, JOINING_REACH):
            members[nearest].append(int(row))
        elif counts[row] >= max(SMALLEST, HEAVY_SHARE * total):
            alone.append([int(row)])
    groups = [make_group(function, np.array(group), embeddings, counts) for group in [*members, *alone]]
    return _gathered(groups, embeddings, counts, LEAST_SHARE * total)


def _gathered(groups: list[Group], embeddings: np.ndarray, counts: np.ndarray, least: float) -> list[Group]:
    """The groups of one function; those with fewer queries than `least` go with the nearest, the smallest first."""
    while len(groups) > 1:
        sizes = [int(counts[list(group.patterns)].sum()) for group in groups]
        small = int(np.argmin(sizes))
        group, others = groups[small], groups[:small] + groups[small + 1 :]
        distances = [float(1 - other.centroid @ group.centroid) for other in others]
        nearest = int(np.argmin(distances))
        if sizes[small] >= least or distances[nearest] > JOINING_REACH:
            break
        together = np.array([*others[nearest].patterns, *group.patterns])
        others[nearest] = make_group(group.function, together, embeddings, counts)
        groups = others
    return groups


def _by_density(embeddings: np.ndarray) -> np.ndarray:
    """The label of each pattern, from 0; -1 for noise."""
    count = len(embeddings)
    if count < 2 * SMALLEST:
        return np.zeros(count, dtype=int)
    reduced = reduce_dimensions(embeddings, REDUCED_DIMENSIONS)
    smallest = max(SMALLEST, int(SMALLEST_SHARE * count))
    return HDBSCAN(smallest, min_samples=3, allow_single_cluster=True, copy=True).fit_predict(reduced)
