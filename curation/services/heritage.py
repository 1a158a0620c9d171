"""What the next clustering carries on of the decisions about clusters."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from django.db.models import Prefetch

from curation.ml.clustering import Heritage, inherit
from curation.ml.mining import Mining
from curation.models import Application, Cluster, Pattern
from curation.models.clusters import ClusterStatus
from curation.services.composition import compose

Decided = Mapping[Cluster, Mapping[str, int]]
"""The decided clusters in force, each with its queries by pattern key."""
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
    new: list[dict[str, int]] = [
        {pattern_key(mining.patterns[at].key): mining.patterns[at].count for at in cluster.patterns}
        for cluster in mining.clusters
    ]
    return inherit(decided, {cluster: cluster.status for cluster in decided}, new)


def note_of(heritage: Heritage[Cluster]) -> str:
    """What is to be known of a cluster that holds a little of what was decided differently."""
    if heritage.home is None or heritage.against is None:
        return ""
    status = heritage.against.get_status_display().lower()
    return f"{heritage.share_against:.1%} of its traffic was in “{heritage.against.name}”, which was {status}."


def keep_apart(cluster: Cluster, decided: Decided) -> None:
    """Put two clusters in the place of a new one that mixes what was approved and what was rejected.

    Each carries its decision on, so that nobody is asked twice because the traffic lies a little differently today.
    What no decided cluster knows goes to the nearer one; one that is mostly of such patterns is to be decided.
    """
    home = {key: one for one, patterns in decided.items() for key in patterns}
    parts: dict[str, list[Pattern]] = defaultdict(list)
    unknown = []
    for pattern in cluster.patterns.all():
        if pattern.key in home:
            parts[home[pattern.key].status].append(pattern)
        else:
            unknown.append(pattern)
    centres = {status: _centre(patterns) for status, patterns in parts.items()}
    for pattern in unknown:
        parts[max(centres, key=lambda status: float(centres[status] @ pattern.embedding))].append(pattern)
    for status, patterns in parts.items():
        known = sum(pattern.queries for pattern in patterns if pattern.key in home)
        if 2 * known <= sum(pattern.queries for pattern in patterns):
            compose([cluster], patterns, ClusterStatus.PROPOSED)
            continue
        made = compose([cluster], patterns, ClusterStatus(status))
        made.inherited_from, made.note = _most_of(patterns, home), KEPT_APART
        made.save(update_fields=["inherited_from", "note"])
    cluster.delete()


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
