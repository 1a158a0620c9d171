"""Approval by policy: the clusters that are simple beyond doubt need no person."""

from __future__ import annotations

from curation.models import Application, Cluster
from curation.models.clusters import ClusterStatus
from curation.models.reviews import Decision
from curation.selectors.clusters import clustering_in_force, open_clusters
from curation.selectors.undecided import undecided_clusters
from curation.services.cluster_reviews import cluster_decide


def approve_by_policy(*, application: Application, simplicity: float, purity: float, queries: int) -> tuple[int, int]:
    """Approve the undecided clusters that reach all three: estimated simplicity, lower bound of purity, size.

    Those with a note (some of their traffic was decided otherwise before), or that a person decided on and took it
    back, wait for a person.

    Returns:
        How many clusters are in force, and how many of them are approved now.
    """
    clustering = clustering_in_force(application)
    found = undecided_clusters(clustering, simplicity=simplicity, purity=purity, queries=queries)
    clusters_approve(clusters=found.reached)
    clusters = open_clusters(clustering)
    return clusters.count(), clusters.filter(status=ClusterStatus.APPROVED).count()


def clusters_approve(*, clusters: list[Cluster]) -> None:
    """Approve clusters as the policy."""
    for cluster in clusters:
        cluster_decide(cluster=cluster, decision=Decision.APPROVE)
