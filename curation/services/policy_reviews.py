"""Approval by policy: the clusters that are simple beyond doubt need no person."""

from __future__ import annotations

from curation.models import Application
from curation.models.clusters import ClusterStatus
from curation.models.reviews import Decision
from curation.selectors.clusters import clustering_in_force, open_clusters
from curation.services.cluster_reviews import cluster_decide


def approve_by_policy(*, application: Application, simplicity: float, purity: float, queries: int) -> tuple[int, int]:
    """Approve the undecided clusters that reach all three: estimated simplicity, lower bound of purity, size.

    Those with a note (some of their traffic was decided otherwise before) wait for a person.

    Returns:
        How many clusters are in force, and how many of them are approved now.
    """
    clusters = open_clusters(clustering_in_force(application)).defer(None).defer("centroid")
    undecided = clusters.filter(status=ClusterStatus.PROPOSED, note="").exclude(function="")
    for cluster in undecided.filter(simplicity__gte=simplicity, queries__gte=queries):
        if cluster.evidence["purity"]["lower"] >= purity:
            cluster_decide(cluster=cluster, decision=Decision.APPROVE)
    return clusters.count(), clusters.filter(status=ClusterStatus.APPROVED).count()
