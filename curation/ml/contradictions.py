"""Contradictions: texts that the teacher answered with different calls."""

from __future__ import annotations

from collections.abc import Sequence

from curation.ml.traffic import Traffic

MOST_TEXTS = 60
MOST_QUERIES = 300
"""Kept of each cluster, and of each text; the most frequent texts and the newest queries."""


def contradictions_in(traffic: Traffic, clusters: Sequence[Sequence[int]]) -> list[list[list[str]]]:
    """For each cluster (given as indices of patterns) the ids of the queries of each text that got different calls.

    A text counts for every cluster that has one of its queries; all of its queries are given, newest first, also those
    that are elsewhere because of the other call. The most frequent texts come first.
    """
    home = {pattern: at for at, patterns in enumerate(clusters) for pattern in patterns}
    rank = {int(position): at for at, position in enumerate(traffic.time_order)}
    found: list[list[list[str]]] = [[] for _ in clusters]
    for text in sorted(traffic.texts, key=lambda text: -len(text.positions)):
        if len({traffic.choices[at] for at in text.positions}) < 2:
            continue
        newest = sorted(text.positions, key=lambda at: -rank[at])[:MOST_QUERIES]
        ids = [traffic.observations[at].query_id for at in newest]
        for cluster in {home[pattern] for at in text.positions if (pattern := int(traffic.pattern_of[at])) in home}:
            found[cluster].append(ids)
    return [texts[:MOST_TEXTS] for texts in found]
