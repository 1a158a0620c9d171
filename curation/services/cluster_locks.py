"""Clusters locked for a decision, and whether they still are what the person has seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.utils import timezone

from curation.errors import OdiaError
from curation.models import Application, Cluster, Review
from curation.models.clusters import ClusterStatus
from curation.models.reviews import Decision
from curation.selectors.clusters import newest_reviews, version_of


def lock_clusters(*, application_id: int, pks: Sequence[int]) -> dict[int, Cluster]:
    """The clusters that are open to decisions: of the clustering in force, and not replaced. Locked until the end of
    the transaction, as is the application, on which a new clustering waits."""
    application = Application.objects.select_for_update().get(pk=application_id)
    rows = Cluster.objects.select_for_update().filter(clustering=application.clusterings.first(), pk__in=pks)
    return {row.pk: row for row in rows.exclude(status=ClusterStatus.REPLACED).order_by("pk")}


def lock_cluster(*, cluster: Cluster, seen: str | None = None) -> Cluster:
    """One cluster, as it is now.

    Raises:
        OdiaError: it is not open to decisions any more, or not what was `seen` (see `version_of`).
    """
    found = lock_clusters(application_id=cluster.application_id, pks=[cluster.pk])
    if cluster.pk not in found:
        raise OdiaError(closed_reason(cluster))
    problem = stale_reasons(found, {} if seen is None else {cluster.pk: seen})
    if problem:
        raise OdiaError(problem[cluster.pk])
    return found[cluster.pk]


def closed_reason(cluster: Cluster) -> str:
    """Why a cluster cannot be decided on, though it is there."""
    cluster.refresh_from_db(fields=["status"])
    if cluster.status == ClusterStatus.REPLACED:
        review = Review.objects.filter(cluster__replaced_by__in=cluster.replaced_by.all()).first()
        who = f"{_who(review)} has" if review else "Somebody has"
        return f"{who} split or merged “{cluster.name}” meanwhile; decide on what took its place."
    return "This cluster belongs to an earlier clustering; decide on its successor in the list."


def stale_reasons(clusters: Mapping[int, Cluster], seen: Mapping[int, str]) -> dict[int, str]:
    """For each cluster that is not what was seen: what happened to it, by whom, when."""
    newest = newest_reviews(clusters)
    return {
        pk: _happened(clusters[pk], newest.get(pk))
        for pk, version in seen.items()
        if pk in clusters and version != version_of(clusters[pk], newest.get(pk))
    }


def _happened(cluster: Cluster, review: Review | None) -> str:
    status = ClusterStatus(cluster.status).label.lower()
    if review is None:
        return f"“{cluster.name}” has changed meanwhile: it is {status}. Look at it again, then decide."
    verbs = {Decision.APPROVE: "approved it", Decision.REJECT: "rejected it", Decision.UNDO: "took a decision back"}
    verb = verbs.get(Decision(review.decision), "changed it")
    when = timezone.localtime(review.created_at)
    return (
        f"{_who(review)} {verb} at {when:%H:%M}, after you had opened “{cluster.name}”: it is {status} now. "
        "Your decision was not recorded; make it again if it still stands."
    )


def _who(review: Review) -> str:
    return str(review.reviewer) if review.reviewer else "The policy"
