"""Which queries of a cluster a person is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from curation.ml.clustering import Group
from curation.ml.regions import Region
from curation.ml.traffic import Traffic

SAMPLES = 6


@dataclass(frozen=True, slots=True)
class Samples:
    """Query ids: near the middle of the cluster; those that could go either way; those that do not fit, namely
    look-alikes that got another choice and members far from the middle. No id is in two lists."""

    typical: tuple[str, ...]
    borderline: tuple[str, ...]
    odd: tuple[str, ...]


def choose_samples(
    traffic: Traffic, group: Group, region: Region, chance: np.ndarray, embeddings: np.ndarray
) -> Samples:
    """At most six of each kind, one per pattern. `chance`: of agreement, for each query of the traffic."""
    first = {int(traffic.pattern_of[position]): position for position in reversed(region.members)}
    distances = 1 - embeddings[list(group.patterns)] @ group.centroid
    by_distance = [first[group.patterns[at]] for at in np.argsort(distances, kind="stable")]
    typical, rest = by_distance[:SAMPLES], by_distance[SAMPLES:]
    odd = [*list(region.lookalikes)[:SAMPLES], *rest[::-1]][:SAMPLES]
    left = [position for position in rest if position not in odd]
    borderline = sorted(left, key=lambda position: abs(float(chance[position]) - 0.5))[:SAMPLES]
    return Samples(*(_ids(traffic, chosen) for chosen in (typical, borderline, odd)))


def _ids(traffic: Traffic, positions: Sequence[int]) -> tuple[str, ...]:
    return tuple(traffic.observations[position].query_id for position in positions)
