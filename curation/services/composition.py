"""New clusters of patterns that are known: described from the tallies of the run that found them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from curation.errors import OdiaError
from curation.ml.clustering import make_group
from curation.ml.contradictions import MOST_TEXTS
from curation.ml.samples import SAMPLES, choose_places
from curation.models import Cluster, Pattern, Query
from curation.models.clusters import ClusterStatus
from curation.selectors.parts import NOT_COUNTED, summary_of, tallies_of


def compose(sources: Sequence[Cluster], patterns: Sequence[Pattern], status: ClusterStatus) -> Cluster:
    """A cluster of these patterns, which come from the sources, with evidence, samples and contradictions of its own.

    Raises:
        OdiaError: the clustering was made before patterns were tallied.
    """
    first = sources[0]
    if not all(pattern.tally for pattern in patterns):
        raise OdiaError(NOT_COUNTED)
    embeddings = np.stack([pattern.embedding for pattern in patterns])
    counts = np.array([pattern.queries for pattern in patterns])
    group = make_group(first.function, np.arange(len(patterns)), embeddings, counts)
    summary = summary_of(first, patterns)
    cluster = Cluster.objects.create(
        application_id=first.application_id,
        clustering_id=first.clustering_id,
        name=max(patterns, key=lambda pattern: (pattern.queries, -pattern.pk)).template,
        function=first.function,
        status=status,
        centroid=group.centroid,
        radius=group.radius,
        simplicity=summary.simplicity,
        evidence=summary.evidence.as_json(),
        samples=_samples(patterns, 1 - embeddings @ group.centroid),
        contradictions=_contradictions(sources, patterns),
        queries=summary.evidence.volume.queries,
        share=summary.evidence.volume.share,
        saved_calls=summary.simplicity * summary.evidence.volume.queries,
        saved_ms=summary.time_saved_ms,
    )
    Pattern.objects.filter(pk__in=[pattern.pk for pattern in patterns]).update(cluster=cluster)
    return cluster


def _samples(patterns: Sequence[Pattern], distances: np.ndarray) -> dict[str, list[str]]:
    tallies = tallies_of(patterns)
    lookalikes = [query_id for tally in tallies for query_id in tally.odd][:SAMPLES]
    chances = np.array([tally.chance / tally.queries for tally in tallies])
    places = choose_places(distances, chances, len(lookalikes))
    kinds = {"typical": places.typical, "borderline": places.borderline, "odd": places.odd}
    newest = _newest_queries([patterns[place].pk for chosen in kinds.values() for place in chosen])
    samples = {
        kind: [newest[patterns[place].pk] for place in chosen if patterns[place].pk in newest]
        for kind, chosen in kinds.items()
    }
    return {**samples, "odd": [*lookalikes, *samples["odd"]]}


def _newest_queries(patterns: Sequence[int]) -> dict[int, str]:
    rows = Query.objects.filter(pattern__in=patterns, labelled=True, excluded=False)
    newest = rows.order_by("pattern_id", "-id").distinct("pattern_id")
    return {pattern: str(pk) for pattern, pk in newest.values_list("pattern_id", "id")}


def _contradictions(sources: Sequence[Cluster], patterns: Sequence[Pattern]) -> list[list[str]]:
    """Those of the sources in which a query of these patterns takes part."""
    texts = {ids[0]: ids for source in sources for ids in source.contradictions}
    own = {pattern.pk for pattern in patterns}
    queries = Query.objects.filter(pk__in={pk for ids in texts.values() for pk in ids})
    home = {str(pk): pattern for pk, pattern in queries.values_list("pk", "pattern_id")}
    found = [ids for ids in texts.values() if any(home.get(pk) in own for pk in ids)]
    return sorted(found, key=len, reverse=True)[:MOST_TEXTS]
