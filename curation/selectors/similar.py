"""Queries that are like a query: those of the patterns whose embeddings are nearest to its pattern's."""

from __future__ import annotations

from uuid import UUID

from pgvector.django import CosineDistance

from curation.models import Application, Pattern, Query

NEAREST_SHOWN = 10
NEAREST_LISTED = 50


def nearest_patterns(pattern: Pattern, number: int = NEAREST_SHOWN) -> list[Pattern]:
    """The application's patterns with queries that are nearest by cosine, each with its `similarity` (1: the same)."""
    others = Pattern.objects.filter(application=pattern.application_id, queries__gt=0).exclude(pk=pattern.pk)
    distance = CosineDistance("embedding", pattern.embedding)
    near = others.annotate(similarity=1 - distance).order_by(distance)
    return list(near.select_related("cluster").defer("embedding", "cluster__centroid", "cluster__evidence")[:number])


def alike(application: Application, query_id: UUID) -> list[int]:
    """The keys of a query's own pattern and of those nearest to it; none where it has no pattern."""
    query = Query.objects.filter(application=application, pk=query_id, pattern__isnull=False)
    found = query.select_related("pattern").first()
    if found is None or found.pattern is None:
        return []
    return [found.pattern.pk, *(pattern.pk for pattern in nearest_patterns(found.pattern, NEAREST_LISTED - 1))]
