"""What people (or the policy) decide about clusters. Each decision adds a review."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from curation.errors import OdiaError
from curation.models import Cluster, Review
from curation.models.clusters import ClusterStatus
from curation.models.reviews import Decision

_STATUS = {Decision.APPROVE: ClusterStatus.APPROVED, Decision.REJECT: ClusterStatus.REJECTED}


@transaction.atomic
def cluster_decide(
    *, cluster: Cluster, decision: Decision, user: User | None = None, expected_status: str | None = None
) -> Review:
    """Approve or reject a cluster.

    Raises:
        OdiaError: it is not in `expected_status` any more (somebody else decided meanwhile), or not in force.
    """
    cluster = Cluster.objects.select_for_update().select_related("application").get(pk=cluster.pk)
    if cluster.application.clusterings.order_by("-id").values_list("pk", flat=True).first() != cluster.clustering_id:
        raise OdiaError("This cluster belongs to an earlier clustering; decide on its successor in the list.")
    if expected_status is not None and cluster.status != expected_status:
        status = ClusterStatus(cluster.status).label.lower()
        raise OdiaError(f"Somebody has decided on this cluster meanwhile: it is {status}. Look at it again.")
    before = {"status": cluster.status, "inherited_from": cluster.inherited_from_id}
    cluster.status, cluster.inherited_from = _STATUS[decision], None
    cluster.save(update_fields=["status", "inherited_from"])
    return Review.objects.create(
        application=cluster.application,
        decision=decision,
        cluster=cluster,
        reviewer=user,
        before=before,
        after={"status": cluster.status, "inherited_from": None},
    )


def cluster_restore(*, review: Review) -> None:
    """Put a cluster back to what it was before a review of it."""
    assert review.cluster_id
    Cluster.objects.filter(pk=review.cluster_id).update(
        status=review.before["status"], inherited_from=review.before["inherited_from"]
    )
