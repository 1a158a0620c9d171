"""The undecided clusters, as a policy with thresholds sees them."""

from __future__ import annotations

from dataclasses import dataclass, field

from curation.models import Cluster, Clustering, Review
from curation.models.clusters import ClusterStatus


@dataclass(frozen=True, slots=True)
class Undecided:
    """Clusters in force that nobody has decided on: those that the policy may approve, and the others, each with why
    it may not. Both in the order of what they would save."""

    reached: list[Cluster] = field(default_factory=list)
    short: list[tuple[Cluster, str]] = field(default_factory=list)


def undecided_clusters(clustering: Clustering | None, *, simplicity: float, purity: float, queries: int) -> Undecided:
    """Sorted out by the thresholds: least simplicity, lower bound of purity, and queries.

    A cluster that a person has decided on and that is undecided again, since the decision was taken back, is in
    neither list: that person knows of it.
    """
    by_people = Review.objects.filter(cluster__clustering=clustering).exclude(reviewer=None)
    rows = Cluster.objects.filter(clustering=clustering, status=ClusterStatus.PROPOSED)
    found = Undecided()
    for cluster in rows.exclude(function="").exclude(pk__in=by_people.values("cluster")).defer("centroid", "samples"):
        why = _why_not(cluster, simplicity, purity, queries)
        if why:
            found.short.append((cluster, why))
        else:
            found.reached.append(cluster)
    return found


def _why_not(cluster: Cluster, simplicity: float, purity: float, queries: int) -> str:
    if cluster.note:
        return cluster.note
    lower = cluster.evidence["purity"]["lower"]
    if cluster.simplicity < simplicity:
        return f"its simplicity is {cluster.simplicity:.0%}, and the policy wants {simplicity:.0%}"
    if lower < purity:
        return f"its purity is {lower:.0%} at least, and the policy wants {purity:.0%}"
    if cluster.queries < queries:
        return f"it has {cluster.queries} queries, and the policy wants {queries}"
    return ""
