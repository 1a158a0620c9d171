"""Which queries of a cluster a person is shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SAMPLES = 6


@dataclass(frozen=True, slots=True)
class Samples:
    """Query ids: near the middle of the cluster; those that could go either way; those that do not fit, namely
    look-alikes that got another choice and members far from the middle. No id is in two lists."""

    typical: tuple[str, ...]
    borderline: tuple[str, ...]
    odd: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Places:
    """Patterns of a cluster (by index), one of whose queries is to be shown; none is in two lists."""

    typical: tuple[int, ...]
    borderline: tuple[int, ...]
    odd: tuple[int, ...]


def choose_places(distances: np.ndarray, chances: np.ndarray, lookalikes: int) -> Places:
    """At most six of each kind, where so many look-alikes are among the odd ones.

    Args:
        distances: of each pattern from the middle of the cluster.
        chances: of agreement, the mean of each pattern's queries.
    """
    by_distance = np.argsort(distances, kind="stable").tolist()
    typical, rest = by_distance[:SAMPLES], by_distance[SAMPLES:]
    odd = rest[::-1][: max(SAMPLES - lookalikes, 0)]
    left = [place for place in rest if place not in odd]
    borderline = sorted(left, key=lambda place: abs(float(chances[place]) - 0.5))[:SAMPLES]
    return Places(tuple(typical), tuple(borderline), tuple(odd))
