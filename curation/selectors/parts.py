"""What some patterns of a cluster would be as clusters of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from curation.errors import OdiaError
from curation.ml.evidence import Whole
from curation.ml.parting import MOST_PARTS, part_patterns
from curation.ml.summaries import Summary, summarise
from curation.ml.tallies import Tally, add_up
from curation.ml.traffic import NO_CALL, SEVERAL
from curation.models import Cluster, Pattern

NOT_COUNTED = (
    "This clustering was made before clusters could be split and merged. Cluster the traffic again: decisions are "
    "carried over."
)


@dataclass(frozen=True, slots=True)
class Part:
    """Patterns that would be a cluster, the most frequent first, and what would be said of it."""

    patterns: list[Pattern]
    summary: Summary

    @property
    def name(self) -> str:
        return self.patterns[0].template


def selected_parts(cluster: Cluster, selected: Sequence[Pattern]) -> list[Part]:
    """The selected patterns, and the cluster's others; nothing where none or all of them are selected.

    Raises:
        OdiaError: the clustering was made before patterns were tallied.
    """
    chosen = {pattern.pk for pattern in selected}
    rest = list(cluster.patterns.defer("embedding").exclude(pk__in=chosen))
    if not selected or not rest:
        return []
    return [_part(cluster, list(selected)), _part(cluster, rest)]


def _part(cluster: Cluster, patterns: list[Pattern]) -> Part:
    if not all(pattern.tally for pattern in patterns):
        raise OdiaError(NOT_COUNTED)
    return Part(patterns, summary_of(cluster, patterns))


def proposed_parts(cluster: Cluster, parts: int) -> list[Part]:
    """The cluster in so many parts (2 to `MOST_PARTS`) as its embeddings have it; the same until it changes.

    Raises:
        OdiaError: the clustering was made before patterns were tallied, or there is but one pattern.
    """
    patterns = list(cluster.patterns.all())
    if len(patterns) < 2:
        raise OdiaError("This cluster has one pattern only, so there is nothing to split.")
    embeddings = np.stack([pattern.embedding for pattern in patterns])
    counts = np.array([pattern.queries for pattern in patterns])
    groups = part_patterns(embeddings, counts, min(max(parts, 2), MOST_PARTS))
    return [_part(cluster, [patterns[row] for row in rows]) for rows in groups]


def summary_of(cluster: Cluster, patterns: Sequence[Pattern]) -> Summary:
    """What is to be said of these patterns of the cluster together."""
    tallies = tallies_of(patterns)
    whole = Whole(cluster.clustering.queries, cluster.clustering.teacher_ms)
    return summarise(cluster.function or _label_without_function(tallies), tallies, whole)


def tallies_of(patterns: Sequence[Pattern]) -> list[Tally]:
    return [msgspec.convert(pattern.tally, Tally) for pattern in patterns]


def _label_without_function(tallies: Sequence[Tally]) -> str:
    """Whether the teacher mostly made no call here, or several."""
    labels = add_up(tallies).labels
    return SEVERAL if labels.get(SEVERAL, 0) > labels.get(NO_CALL, 0) else NO_CALL
