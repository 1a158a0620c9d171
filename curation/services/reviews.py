"""What people (or the policy) decide about clusters and queries. Each decision adds a review and can be undone."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction

from curation.errors import OdiaError
from curation.ml.calls import Call
from curation.models import Cluster, Query, Review
from curation.models.clusters import ClusterStatus
from curation.models.reviews import Decision

_STATUS = {Decision.APPROVE: ClusterStatus.APPROVED, Decision.REJECT: ClusterStatus.REJECTED}
_QUERY_FIELDS = ("function", "arguments", "several_calls", "labelled", "corrected", "excluded")


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


def query_exclude(*, query: Query, user: User | None) -> Review:
    """Keep a query out of datasets."""
    return _change_query(query, Decision.EXCLUDE, user, {"excluded": True})


def query_include(*, query: Query, user: User | None) -> Review:
    """Let a query into datasets again."""
    return _change_query(query, Decision.INCLUDE, user, {"excluded": False})


def call_correct(*, query: Query, call: Call | None, user: User | None) -> Review:
    """Put a person's call (or no call) in the place of the teacher's.

    Raises:
        OdiaError: the call does not validate against the query's tool set.
    """
    if call and query.tool_set:
        problem = query.tool_set.tool_set.problem_with(call.name, call.arguments)
        if problem:
            raise OdiaError(problem)
    columns = {"function": call.name if call else "", "arguments": call.arguments if call else {}}
    return _change_query(
        query, Decision.CORRECT, user, {**columns, "several_calls": False, "labelled": True, "corrected": True}
    )


@transaction.atomic
def review_undo(*, review: Review, user: User | None) -> Review:
    """Put back what a review changed.

    Raises:
        OdiaError: it is undone already, or something later changed the same thing.
    """
    same = (
        Review.objects.filter(cluster=review.cluster_id)
        if review.cluster_id
        else Review.objects.filter(query_id=review.query_id)
    )
    later = same.select_for_update().filter(pk__gt=review.pk)
    if review.decision == Decision.UNDO or later.exists():
        raise OdiaError("This decision cannot be undone: a later one rests on it. Undo the later one first.")
    if review.cluster_id:
        Cluster.objects.filter(pk=review.cluster_id).update(
            status=review.before["status"], inherited_from=review.before["inherited_from"]
        )
    elif review.query_id:
        _write_query(review.query_id, review.before)
    return Review.objects.create(
        application=review.application,
        decision=Decision.UNDO,
        cluster_id=review.cluster_id,
        query_id=review.query_id,
        reviewer=user,
        before=review.after,
        after=review.before,
        undoes=review,
    )


@transaction.atomic
def _change_query(query: Query, decision: Decision, user: User | None, changes: dict[str, Any]) -> Review:
    query = Query.objects.select_for_update().get(pk=query.pk)
    before = {name: getattr(query, name) for name in _QUERY_FIELDS}
    after = {**before, **changes}
    _write_query(query.pk, after)
    return Review.objects.create(
        application_id=query.application_id,
        decision=decision,
        query_id=query.pk,
        reviewer=user,
        before=before,
        after=after,
    )


def _write_query(query_id: UUID, values: dict[str, Any]) -> None:
    Query.objects.filter(pk=query_id).update(**{name: values[name] for name in _QUERY_FIELDS})
