"""What people (or the policy) decide about clusters. Each decision adds a review."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from uuid import UUID, uuid4

from django.contrib.auth.models import User
from django.db import transaction

from curation.errors import OdiaError
from curation.models import Application, Cluster, Review
from curation.models.clusters import ClusterStatus
from curation.models.reviews import Decision
from curation.services.cluster_locks import closed_reason, lock_cluster, lock_clusters, stale_reasons
from curation.services.regrouping import regrouping_restore

_STATUS = {Decision.APPROVE: ClusterStatus.APPROVED, Decision.REJECT: ClusterStatus.REJECTED}


class Decided(NamedTuple):
    """What one action decided: how many clusters, the batch that undoes it, and why others were left alone."""

    batch: UUID
    changed: int
    refused: list[str]


@transaction.atomic
def cluster_decide(
    *, cluster: Cluster, decision: Decision, user: User | None = None, seen: str | None = None
) -> Review:
    """Approve or reject a cluster.

    Args:
        seen: `version_of` the cluster that the person looked at.

    Raises:
        OdiaError: somebody else decided meanwhile, or the cluster is replaced or of an earlier clustering.
    """
    locked = lock_cluster(cluster=cluster, seen=seen)
    return _decide([locked], decision, user)[0]


@transaction.atomic
def clusters_decide(
    *, application: Application, seen: Mapping[int, str], decision: Decision, user: User | None
) -> Decided:
    """Approve or reject several clusters (by key, each with the version that was seen) in one action.

    Those that somebody else decided meanwhile stay as they are, and are told.
    """
    locked = lock_clusters(application_id=application.pk, pks=list(seen))
    stale = stale_reasons(locked, seen)
    gone = Cluster.objects.filter(application=application, pk__in=seen.keys() - locked.keys())
    batch = uuid4()
    reviews = _decide([one for pk, one in locked.items() if pk not in stale], decision, user, batch)
    return Decided(batch, len(reviews), [*stale.values(), *(closed_reason(cluster) for cluster in gone)])


def cluster_restore(*, review: Review) -> None:
    """Put a cluster back to what it was before a review of it.

    Raises:
        OdiaError: its clustering is not in force any more, or what a split or merge made was decided on since.
    """
    assert review.cluster
    locked = _lock_in_force(review.cluster)
    if review.decision in (Decision.SPLIT, Decision.MERGE):
        regrouping_restore(review=review)
        return
    if locked.status == ClusterStatus.REPLACED:
        raise OdiaError("The cluster was split or merged since; undo that first.")
    locked.status, locked.inherited_from_id = review.before["status"], review.before["inherited_from"]
    locked.save(update_fields=["status", "inherited_from"])


def _lock_in_force(cluster: Cluster) -> Cluster:
    """A cluster of the clustering in force, locked.

    Raises:
        OdiaError: it is of an earlier one.
    """
    application = Application.objects.select_for_update().get(pk=cluster.application_id)
    in_force = application.clusterings.first()
    if in_force is None or cluster.clustering_id != in_force.pk:
        raise OdiaError(
            "The traffic was clustered again since, so this cannot be undone; decide on the cluster's successor."
        )
    return Cluster.objects.select_for_update().get(pk=cluster.pk)


def _decide(
    clusters: Iterable[Cluster], decision: Decision, user: User | None, batch: UUID | None = None
) -> list[Review]:
    rows = list(clusters)
    after = {"status": _STATUS[decision], "inherited_from": None}
    reviews = [
        Review(
            application_id=cluster.application_id,
            decision=decision,
            cluster=cluster,
            reviewer=user,
            before={"status": cluster.status, "inherited_from": cluster.inherited_from_id},
            after=after,
            batch=batch,
        )
        for cluster in rows
    ]
    Cluster.objects.filter(pk__in=[cluster.pk for cluster in rows]).update(**after)
    return Review.objects.bulk_create(reviews)
