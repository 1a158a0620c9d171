"""What the next clustering carries on of the decisions about clusters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import Prefetch

from curation.ml.clustering import MIXED, Heritage, inherit, make_group, shares_of
from curation.ml.mining import Mining
from curation.models import Application, Cluster, Pattern
from curation.models.clusters import ClusterStatus, pattern_key
from curation.services.composition import compose

KEPT_APART = "It lies close to what was decided on differently, and is kept apart from it."


@dataclass(frozen=True, slots=True)
class Decided:
    """The decided clusters in force, each with its queries by pattern key, and where each pattern lay."""

    clusters: Mapping[Cluster, Mapping[str, int]]
    home: Mapping[str, Cluster]


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a new cluster has from the decided ones, and what a person is to know of it before deciding, if anything."""

    heritage: Heritage[Cluster]
    note: str


def decided_clusters(application: Application) -> Decided:
    in_force = Cluster.objects.filter(clustering=application.clusterings.first())
    rows = in_force.filter(status__in=(ClusterStatus.APPROVED, ClusterStatus.REJECTED)).defer("centroid")
    patterns = Prefetch("patterns", Pattern.objects.defer("embedding", "tally"))
    clusters = {
        cluster: {pattern.key: pattern.queries for pattern in cluster.patterns.all()}
        for cluster in rows.prefetch_related(patterns)
    }
    return Decided(clusters, {key: cluster for cluster, queries in clusters.items() for key in queries})


def inherited_by(mining: Mining, decided: Decided) -> list[Inherited]:
    """For each new cluster."""
    new = [
        {pattern_key(mining.patterns[at].key): mining.patterns[at].count for at in cluster.patterns}
        for cluster in mining.clusters
    ]
    heritages = inherit(decided.clusters, {cluster: cluster.status for cluster in decided.clusters}, new)
    return [
        Inherited(heritage, _note(heritage, queries, decided)) for heritage, queries in zip(heritages, new, strict=True)
    ]


def keep_apart(cluster: Cluster, decided: Decided) -> None:
    """Put two clusters in the place of a new one that mixes what was approved and what was rejected.

    Each carries its decision on, so that nobody is asked twice because the traffic lies a little differently today.
    What no decided cluster knows goes to the nearer one; one that is mostly of such patterns is to be decided. If that
    holds of both, the cluster stays whole.
    """
    parts = [(patterns, _carried_on(patterns, decided)) for patterns in _parts(cluster, decided)]
    if not any(home for _, home in parts):
        return
    for patterns, home in parts:
        made = compose([cluster], patterns, ClusterStatus(home.status) if home else ClusterStatus.PROPOSED)
        made.inherited_from, made.note = home, KEPT_APART if home else _rejected(_queries(patterns), decided)
        made.save(update_fields=["inherited_from", "note"])
    cluster.delete()


def _note(heritage: Heritage[Cluster], queries: Mapping[str, int], decided: Decided) -> str:
    if heritage.home is None:
        return _rejected(queries, decided, least=0.0 if heritage.mixed else MIXED)
    if heritage.against is None:
        return ""
    status = heritage.against.get_status_display().lower()
    return f"{heritage.share_against:.1%} of its traffic was in “{heritage.against.name}”, which was {status}."


def _rejected(queries: Mapping[str, int], decided: Decided, least: float = 0.0) -> str:
    """Without a word about it, the policy would approve what a person has rejected."""
    lay_in = shares_of(decided.home, queries).most_common()
    found = [(cluster, count) for cluster, count in lay_in if cluster.status == ClusterStatus.REJECTED]
    share = sum(count for _, count in found) / max(sum(queries.values()), 1)
    if not found or share <= least:
        return ""
    return (
        f"{share:.1%} of its traffic was in “{found[0][0].name}”, which was rejected, and much of it is new. So no "
        "decision is carried on: decide again, or split it first."
    )


def _parts(cluster: Cluster, decided: Decided) -> list[list[Pattern]]:
    """What was approved and what was rejected; what is new where it is nearer."""
    parts: dict[str, list[Pattern]] = defaultdict(list)
    unknown = []
    for pattern in cluster.patterns.all():
        if pattern.key in decided.home:
            parts[decided.home[pattern.key].status].append(pattern)
        else:
            unknown.append(pattern)
    centres = {status: _centre(patterns) for status, patterns in parts.items()}
    for pattern in unknown:
        parts[max(centres, key=lambda status: float(centres[status] @ pattern.embedding))].append(pattern)
    return list(parts.values())


def _carried_on(patterns: Sequence[Pattern], decided: Decided) -> Cluster | None:
    """The decided cluster whose decision holds for the part: most of its traffic lay in those with that decision."""
    queries = _queries(patterns)
    lay_in = shares_of(decided.home, queries)
    return lay_in.most_common(1)[0][0] if 2 * lay_in.total() > sum(queries.values()) else None


def _queries(patterns: Sequence[Pattern]) -> dict[str, int]:
    return {pattern.key: pattern.queries for pattern in patterns}


def _centre(patterns: Sequence[Pattern]) -> np.ndarray:
    embeddings = np.stack([pattern.embedding for pattern in patterns])
    counts = np.array([pattern.queries for pattern in patterns])
    return make_group("", np.arange(len(patterns)), embeddings, counts).centroid
