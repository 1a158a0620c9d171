"""Clustering: the traffic is mined, and what is found takes the place of the clustering before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from curation.errors import OdiaError
from curation.ml.calls import Call, canonical_call, normalise_text
from curation.ml.embedding import Embedder
from curation.ml.mining import MinedCluster, MinedPattern, Mining, MiningError, Observation, mine
from curation.ml.traffic import Canonical
from curation.models import Application, Cluster, Clustering, Pattern, Query, TeacherCall
from curation.models.clusters import ClusterStatus, pattern_key
from curation.models.traffic import Purpose
from curation.selectors.tool_sets import current_tool_set
from curation.services.heritage import decided_clusters, inherited_by, keep_apart
from curation.services.jobs import Report

MOST_QUERIES = 50_000
"""The newest ones are looked at: older traffic has told what it knew."""
MINING_SHARE = 0.95
BATCH = 1000


def cluster_traffic(*, application: Application, report: Report) -> Clustering:
    """Find the clusters of an application's traffic; decisions carry over to the clusters that succeed them.

    Raises:
        OdiaError: there is no traffic with answers yet.
    """
    report("Reading the traffic", 0.0)
    observations = _observations(application)
    known = application.patterns.values_list("template", "embedding")
    try:
        mining = mine(
            observations,
            embedder=Embedder(),
            embeddings_known={normalise_text(template): embedding for template, embedding in known},
            resamples=_resamples(application),
            canonical=_canonical(application),
            progress=lambda phase, fraction: report(phase, MINING_SHARE * fraction),
        )
    except MiningError as error:
        raise OdiaError(str(error)) from error
    report("Writing the clusters", MINING_SHARE)
    return _store(application, mining, len(observations))


def _observations(application: Application) -> list[Observation]:
    """The newest labelled queries, the oldest first. With earlier turns, a text alone tells too little: left out."""
    queries = Query.objects.filter(application=application, labelled=True, excluded=False, context=[])
    newest = queries.order_by("-id")[:MOST_QUERIES]
    return [
        Observation(
            query_id=str(query.pk),
            text=query.text,
            call=query.call,
            several_calls=query.several_calls,
            has_context=bool(query.context),
            latency_ms=query.latency_ms,
            at=query.arrived_at.timestamp(),
        )
        for query in reversed(newest)
    ]


def _resamples(application: Application) -> dict[str, list[Call | None]]:
    again = TeacherCall.objects.filter(application=application, purpose__in=[Purpose.RESAMPLE, Purpose.AUDIT])
    calls: dict[str, list[Call | None]] = defaultdict(list)
    for row in again.order_by("-id")[:MOST_QUERIES]:
        calls[str(row.query_id)].append(row.call)
    return calls


def _canonical(application: Application) -> Canonical:
    latest = current_tool_set(application)
    return partial(canonical_call, tools=latest.tool_set if latest else None, rules=application.comparison_rules)


@transaction.atomic
def _store(application: Application, mining: Mining, queries: int) -> Clustering:
    # Decisions wait on this row, so that none falls between the old clusters and the new.
    Application.objects.select_for_update().get(pk=application.pk)
    decided = decided_clusters(application)
    inherited = inherited_by(mining, decided)
    clustering = Clustering.objects.create(
        application=application,
        queries=queries,
        patterns=len(mining.patterns),
        teacher_ms=mining.whole.teacher_ms,
    )
    clusters = Cluster.objects.bulk_create(
        [
            _cluster_row(clustering, cluster, one.heritage.home, one.note)
            for cluster, one in zip(mining.clusters, inherited, strict=True)
        ]
    )
    application.patterns.update(cluster=None, queries=0, tally={})
    patterns = Pattern.objects.bulk_create(
        [_pattern_row(application, pattern, clusters) for pattern in mining.patterns],
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["application", "key"],
        update_fields=["function", "queries", "cluster", "tally", "map_x", "map_y"],
    )
    _assign_patterns({UUID(query_id): patterns[at].pk for query_id, at in mining.pattern_of.items()})
    for cluster, one in zip(clusters, inherited, strict=True):
        if one.heritage.mixed:
            keep_apart(cluster, decided)
    return clustering


def _cluster_row(clustering: Clustering, cluster: MinedCluster, home: Cluster | None, note: str) -> Cluster:
    volume = cluster.evidence.volume
    return Cluster(
        application_id=clustering.application_id,
        clustering=clustering,
        name=cluster.name,
        function=cluster.function or "",
        status=home.status if home else ClusterStatus.PROPOSED,
        inherited_from=home,
        note=note,
        centroid=cluster.centroid,
        radius=cluster.radius,
        simplicity=cluster.simplicity,
        evidence=cluster.evidence.as_json(),
        samples=asdict(cluster.samples),
        contradictions=cluster.contradictions,
        queries=volume.queries,
        share=volume.share,
        saved_calls=cluster.simplicity * volume.queries,
        saved_ms=cluster.time_saved_ms,
    )


def _pattern_row(application: Application, pattern: MinedPattern, clusters: Sequence[Cluster]) -> Pattern:
    return Pattern(
        application=application,
        key=pattern_key(pattern.key),
        template=pattern.template,
        function=pattern.function or "",
        queries=pattern.count,
        embedding=pattern.embedding,
        cluster=None if pattern.cluster is None else clusters[pattern.cluster],
        tally=asdict(pattern.tally) if pattern.tally else {},
        map_x=pattern.x,
        map_y=pattern.y,
    )


def _assign_patterns(pattern_of: Mapping[UUID, Any]) -> None:
    """Set the pattern of many queries at once."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE assigned (query_id uuid, pattern_id bigint) ON COMMIT DROP")
        with cursor.copy("COPY assigned FROM STDIN") as copy:
            for row in pattern_of.items():
                copy.write_row(row)
        cursor.execute(
            "UPDATE curation_query SET pattern_id = assigned.pattern_id FROM assigned "
            "WHERE curation_query.id = assigned.query_id"
        )
        cursor.execute("DROP TABLE assigned")
