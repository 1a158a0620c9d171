"""Approval by policy: the clusters that are simple beyond doubt need no person."""

from __future__ import annotations

from curation.models import Application, Cluster
from curation.models.clusters import ClusterStatus
from curation.models.reviews import Decision
from curation.services.cluster_reviews import cluster_decide


def approve_by_policy(*, application: Application, simplicity: float, purity: float, queries: int) -> tuple[int, int]:
    """Approve the undecided clusters that reach all three: estimated simplicity, lower bound of purity, size.

    Returns:
        How many clusters are in force, and how many of them are approved now.
    """
    clusters = Cluster.objects.filter(clustering=application.clusterings.first())
    for cluster in clusters.filter(
        status=ClusterStatus.PROPOSED, simplicity__gte=simplicity, queries__gte=queries
    ).exclude(function=""):
        if cluster.evidence["purity"]["lower"] >= purity:
            cluster_decide(cluster=cluster, decision=Decision.APPROVE)
    return clusters.count(), clusters.filter(status=ClusterStatus.APPROVED).count()
