"""What the next clustering carries on of the decisions about clusters."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from django.db.models import Prefetch

from curation.ml.clustering import MIXED, Heritage, inherit
from curation.ml.mining import MinedCluster, Mining
from curation.models import Application, Cluster, Pattern
from curation.models.clusters import ClusterStatus
from curation.services.composition import compose

Decided = Mapping[Cluster, Mapping[str, int]]
"""The decided clusters in force, each with its queries by pattern key."""
MOSTLY = 0.5
KEPT_APART = "It lies close to what was decided on differently, and is kept apart from it."


def decided_clusters(application: Application) -> Decided:
    in_force = Cluster.objects.filter(clustering=application.clusterings.first())
    decided = in_force.filter(status__in=(ClusterStatus.APPROVED, ClusterStatus.REJECTED)).defer("centroid")
    patterns = Prefetch("patterns", Pattern.objects.defer("embedding", "tally"))
    return {
        cluster: {pattern.key: pattern.queries for pattern in cluster.patterns.all()}
        for cluster in decided.prefetch_related(patterns)
    }


def heritages_of(decided: Decided, mining: Mining) -> list[Heritage[Cluster]]:
    """For each new cluster the old one, if any, whose decision it carries on."""
    new = [_queries_by_key(mining, cluster) for cluster in mining.clusters]
    return inherit(decided, {cluster: cluster.status for cluster in decided}, new)


def notes_of(decided: Decided, mining: Mining, heritages: Sequence[Heritage[Cluster]]) -> list[str]:
    """For each new cluster what a person is to know of it before deciding, if there is anything."""
    home = _home(decided)
    return [
        _note(heritage, _queries_by_key(mining, cluster), home)
        for cluster, heritage in zip(mining.clusters, heritages, strict=True)
    ]


def keep_apart(cluster: Cluster, decided: Decided) -> None:
    """Put two clusters in the place of a new one that mixes what was approved and what was rejected.

    Each carries its decision on, so that nobody is asked twice because the traffic lies a little differently today.
    What no decided cluster knows goes to the nearer one; one that is mostly of such patterns is to be decided. If that
    holds of both, the cluster stays whole.
    """
    home = _home(decided)
    parts = _parts(list(cluster.patterns.all()), home)
    carried = {status: _share(patterns, home, status) > MOSTLY for status, patterns in parts.items()}
    if not any(carried.values()):
        return
    for status, patterns in parts.items():
        made = compose([cluster], patterns, ClusterStatus(status) if carried[status] else ClusterStatus.PROPOSED)
        if carried[status]:
            made.inherited_from, made.note = _most_of(patterns, home), KEPT_APART
        else:
            made.note = _rejected({pattern.key: pattern.queries for pattern in patterns}, home)
        made.save(update_fields=["inherited_from", "note"])
    cluster.delete()


def _home(decided: Decided) -> dict[str, Cluster]:
    """The decided cluster that each pattern lay in, by its key."""
    return {key: cluster for cluster, patterns in decided.items() for key in patterns}


def _queries_by_key(mining: Mining, cluster: MinedCluster) -> dict[str, int]:
    patterns = [mining.patterns[at] for at in cluster.patterns]
    return {pattern_key(pattern.key): pattern.count for pattern in patterns}


def _note(heritage: Heritage[Cluster], queries: Mapping[str, int], home: Mapping[str, Cluster]) -> str:
    if heritage.home is None:
        return _rejected(queries, home, least=0.0 if heritage.mixed else MIXED)
    if heritage.against is None:
        return ""
    status = heritage.against.get_status_display().lower()
    return f"{heritage.share_against:.1%} of its traffic was in “{heritage.against.name}”, which was {status}."


def _rejected(queries: Mapping[str, int], home: Mapping[str, Cluster], least: float = 0.0) -> str:
    """Without a word about it, the policy would approve what a person has rejected."""
    found: Counter[Cluster] = Counter()
    for key, count in queries.items():
        if key in home and home[key].status == ClusterStatus.REJECTED:
            found[home[key]] += count
    share = found.total() / max(sum(queries.values()), 1)
    if not found or share <= least:
        return ""
    [(most, _)] = found.most_common(1)
    return (
        f"{share:.1%} of its traffic was in “{most.name}”, which was rejected, and much of it is new. So no decision "
        "is carried on: decide again, or split it first."
    )


def _parts(patterns: Sequence[Pattern], home: Mapping[str, Cluster]) -> dict[str, list[Pattern]]:
    """By status; what is new where it is nearer."""
    parts: dict[str, list[Pattern]] = defaultdict(list)
    for pattern in patterns:
        if pattern.key in home:
            parts[home[pattern.key].status].append(pattern)
    centres = {status: _centre(known) for status, known in parts.items()}
    for pattern in patterns:
        if pattern.key not in home:
            parts[max(centres, key=lambda status: float(centres[status] @ pattern.embedding))].append(pattern)
    return parts


def _share(patterns: Sequence[Pattern], home: Mapping[str, Cluster], status: str) -> float:
    """Of the patterns' traffic, what was decided so."""
    known = sum(one.queries for one in patterns if one.key in home and home[one.key].status == status)
    return known / max(sum(pattern.queries for pattern in patterns), 1)


def pattern_key(normalised_template: str) -> str:
    """What tells patterns apart in the database: templates may be too long for an index."""
    return hashlib.sha256(normalised_template.encode("utf-8", "surrogatepass")).hexdigest()


def _centre(patterns: Sequence[Pattern]) -> np.ndarray:
    """The unit vector in the middle of the traffic."""
    mean = sum(pattern.queries * np.asarray(pattern.embedding) for pattern in patterns)
    return np.asarray(mean / np.linalg.norm(mean))


def _most_of(patterns: Sequence[Pattern], home: Mapping[str, Cluster]) -> Cluster:
    shares: Counter[Cluster] = Counter()
    for pattern in patterns:
        if pattern.key in home:
            shares[home[pattern.key]] += pattern.queries
    return shares.most_common(1)[0][0]
