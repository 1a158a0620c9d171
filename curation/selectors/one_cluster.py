"""Reads of one cluster: what its estimate rests on, its patterns, samples, history, and what lies near it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

import msgspec
from django.db.models import F, Q, QuerySet, Subquery
from pgvector.django import CosineDistance

from curation.ml.evidence import Evidence, describe
from curation.models import Cluster, Pattern, Query, Review
from curation.models.reviews import Decision
from curation.selectors.clusters import open_clusters
from curation.selectors.query import query_state
from curation.selectors.reviews import with_undoable
from curation.selectors.traffic import Segment, segments

PATTERNS_PER_PAGE = 15
NEAREST = 5
SAMPLE_KINDS: Mapping[str, str] = {"typical": "Typical", "borderline": "Borderline", "odd": "Odd"}


_PLACES: Mapping[str, str] = {
    "Purity": "samples",
    "Consistency": "contradictions",
    "Shape": "traffic",
    "Volume": "traffic",
}
"""Where the queries behind a part of the evidence are shown."""


class EvidencePart(NamedTuple):
    """One part of the evidence in words, with its figure, and the place on the page (or `traffic`) of what is behind
    it, if any."""

    label: str
    sentence: str
    figure: str
    place: str


def evidence_of(cluster: Cluster) -> list[EvidencePart]:
    parts = describe(msgspec.convert(cluster.evidence, Evidence))
    return [EvidencePart(*part, _PLACES.get(part[0], "")) for part in parts]


class PatternPage(NamedTuple):
    """Some patterns of a cluster, the most frequent first; `page` counts from 1."""

    rows: list[Pattern]
    page: int
    pages: int
    total: int


def patterns_page(cluster: Cluster, page: int) -> PatternPage:
    rows = cluster.patterns.defer("embedding", "tally")
    total = rows.count()
    pages = max(1, -(-total // PATTERNS_PER_PAGE))
    shown = min(max(page, 1), pages)
    start = (shown - 1) * PATTERNS_PER_PAGE
    return PatternPage(list(rows[start : start + PATTERNS_PER_PAGE]), shown, pages, total)


def selected_patterns(cluster: Cluster, keys: Sequence[int], queries: Sequence[UUID]) -> list[Pattern]:
    """Those of these patterns, and of the patterns of these queries, that are in this cluster."""
    if not keys and not queries:
        return []
    of_queries = Query.objects.filter(pk__in=queries).values("pattern_id")
    rows = cluster.patterns.defer("embedding").filter(Q(pk__in=keys) | Q(pk__in=of_queries))
    return list(rows)


def replacements_of(cluster: Cluster) -> list[Cluster]:
    """What a split or merge put in its place."""
    return list(cluster.replaced_by.defer("centroid", "evidence", "samples", "contradictions"))


@dataclass(frozen=True, slots=True)
class Sample:
    """One query of a cluster with its argument values marked."""

    query: Query
    segments: list[Segment]
    state: str


def samples_of(cluster: Cluster) -> dict[str, list[Sample]]:
    """The chosen samples by kind; queries that are gone are left out."""
    kinds = {kind: [UUID(pk) for pk in cluster.samples.get(kind, [])] for kind in SAMPLE_KINDS}
    queries = Query.objects.in_bulk([pk for keys in kinds.values() for pk in keys])
    return {
        SAMPLE_KINDS[kind]: [
            Sample(queries[pk], segments(queries[pk].text, queries[pk].call), query_state(queries[pk]))
            for pk in keys
            if pk in queries
        ]
        for kind, keys in kinds.items()
    }


def reviews_of_cluster(cluster: Cluster) -> list[Review]:
    """Its decisions, and the splits and merges that it took part in, newest first; see `with_undoable`."""
    regrouped = Q(cluster__replaced_by=cluster) | Q(cluster__replaced_by__replaces=cluster)
    own = Q(cluster=cluster) | Q(decision__in=(Decision.SPLIT, Decision.MERGE)) & regrouped
    keys = Review.objects.filter(own, application=cluster.application_id).order_by().values("pk").distinct()
    return with_undoable(Review.objects.filter(pk__in=keys).select_related("reviewer", "undone_by"))


def nearest_clusters(cluster: Cluster) -> QuerySet[Cluster]:
    """The clusters of the same function whose centroids are the nearest; `likeness` is the cosine."""
    rows = open_clusters(cluster.clustering).filter(function=cluster.function).exclude(pk=cluster.pk)
    distance = CosineDistance("centroid", Subquery(Cluster.objects.filter(pk=cluster.pk).values("centroid")))
    return rows.annotate(likeness=1 - distance).order_by(F("likeness").desc(nulls_last=True), "pk")[:NEAREST]
