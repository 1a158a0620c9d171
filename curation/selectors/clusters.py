"""Reads of the clusters in force: the list with its filter, the queue, how far the decisions are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from django.contrib.auth.models import User
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from curation.models import Application, Cluster, Clustering, Pattern, Review
from curation.models.clusters import ClusterStatus
from curation.selectors.reviews import holding, overtaken

NO_CALL = "-"
CARRIED, POLICY = "carried", "policy"
STATUSES: Mapping[str, str] = {
    "": "All",
    ClusterStatus.PROPOSED: "To decide",
    ClusterStatus.APPROVED: "Approved",
    ClusterStatus.REJECTED: "Rejected",
    CARRIED: "Carried on",
    POLICY: "Policy decided",
}
"""What the list can be narrowed to."""
WORTH_SIMPLICITY, WORTH_SHARE = 0.5, 0.002
"""A cluster that is less simple, or has less of the traffic, is not worth a decision; nor is one without a function."""
WORTH = Q(simplicity__gte=WORTH_SIMPLICITY, share__gte=WORTH_SHARE) & ~Q(function="")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterFilter:
    """What the list is narrowed to; an empty value does not narrow it. `simplicity` and `traffic` are least shares,
    `pick` holds keys of patterns."""

    q: str = ""
    status: str = ""
    function: str = ""
    simplicity: float = 0.0
    traffic: float = 0.0
    pick: tuple[int, ...] = ()


def clustering_in_force(application: Application) -> Clustering | None:
    return application.clusterings.first()


def open_clusters(clustering: Clustering | None) -> QuerySet[Cluster]:
    """The clusters of a clustering that are not replaced, those that would save the most first.

    Each has the key of its `newest_review`, and whether that is by the policy.
    """
    newest = Review.objects.filter(cluster=OuterRef("pk")).order_by("-id")
    by_policy = newest.annotate(by_policy=Q(reviewer=None)).values("by_policy")
    return (
        Cluster.objects.filter(clustering=clustering)
        .exclude(status=ClusterStatus.REPLACED)
        .defer("centroid", "evidence", "samples", "contradictions")
        .annotate(
            newest_review=Subquery(newest.values("pk")[:1]), by_policy=Coalesce(Subquery(by_policy[:1]), Value(False))
        )
    )


def clusters_of(clustering: Clustering | None, wanted: ClusterFilter) -> QuerySet[Cluster]:
    """The open clusters that pass the filter."""
    rows = open_clusters(clustering).filter(simplicity__gte=wanted.simplicity, share__gte=wanted.traffic)
    if wanted.q:
        rows = rows.filter(name__icontains=wanted.q)
    if wanted.function:
        rows = rows.filter(function="" if wanted.function == NO_CALL else wanted.function)
    if wanted.pick:
        rows = rows.filter(pk__in=Pattern.objects.filter(pk__in=wanted.pick).values("cluster"))
    return rows.filter(_status(wanted.status)) if wanted.status else rows


def _status(status: str) -> Q:
    if status == CARRIED:
        return Q(inherited_from__isnull=False)
    return Q(by_policy=True) if status == POLICY else Q(status=status)


def is_in_force(cluster: Cluster) -> bool:
    """Whether its clustering is the newest."""
    newest = Clustering.objects.filter(application=cluster.application_id).values_list("pk", flat=True).first()
    return cluster.clustering_id == newest


def is_open(cluster: Cluster) -> bool:
    """Whether it can be decided on: it is of the clustering in force, and not replaced."""
    return cluster.status != ClusterStatus.REPLACED and is_in_force(cluster)


class Progress(NamedTuple):
    """How many clusters there are of a kind, and their share of the traffic."""

    clusters: int
    share: float


def progress_by_status(clustering: Clustering | None, wanted: ClusterFilter) -> dict[str, Progress]:
    """The progress of each status among the clusters that pass the rest of the filter."""
    rows = clusters_of(clustering, replace(wanted, status="")).order_by()
    conditions = {f"of_{status}": _status(status) if status else Q() for status in STATUSES}
    counts = {f"{name}_clusters": Count("pk", filter=condition) for name, condition in conditions.items()}
    sums = {f"{name}_share": Sum("share", filter=condition) for name, condition in conditions.items()}
    found = rows.aggregate(**counts, **sums)
    return {status: Progress(found[f"of_{status}_clusters"], found[f"of_{status}_share"] or 0.0) for status in STATUSES}


class Standing(NamedTuple):
    """How far the decisions about a clustering are: decided clusters, share of the traffic approved, and how many
    undecided clusters are worth deciding."""

    decided: int
    approved: float
    worth: int


def standing_of(clustering: Clustering | None) -> Standing:
    undecided = Q(status=ClusterStatus.PROPOSED)
    worth = undecided & WORTH
    rows = Cluster.objects.filter(clustering=clustering).exclude(status=ClusterStatus.REPLACED).order_by()
    found = rows.aggregate(
        decided=Count("pk", filter=~undecided),
        approved=Sum("share", filter=Q(status=ClusterStatus.APPROVED)),
        worth=Count("pk", filter=worth),
    )
    return Standing(found["decided"], found["approved"] or 0.0, found["worth"])


def functions_of(clustering: Clustering | None) -> list[str]:
    """The functions that clusters call, and `NO_CALL` where some call none."""
    names = Cluster.objects.filter(clustering=clustering).order_by("function").values_list("function", flat=True)
    return [name or NO_CALL for name in names.distinct()]


def version_of(cluster: Cluster, newest: Review | None) -> str:
    """What tells a cluster as it is now from what it was before somebody decided on it."""
    return version(cluster.status, newest.pk if newest else None)


def version(status: str, newest_review: int | None) -> str:
    return f"{status}.{newest_review or 0}"


def newest_reviews(pks: Iterable[int]) -> dict[int, Review]:
    """The last thing that happened to each of these clusters, undoing included; those without are left out."""
    rows = Review.objects.filter(cluster__in=list(pks)).order_by("cluster_id", "-id").distinct("cluster_id")
    return {review.cluster_id: review for review in rows.select_related("reviewer") if review.cluster_id}


def next_in_queue(cluster: Cluster, wanted: ClusterFilter) -> int | None:
    """The next cluster of the filtered list that waits for a decision: an undecided one, or one of the status that is
    filtered by. Those worth deciding come first; at the end of the list, the first that was left behind."""
    everything = clusters_of(cluster.clustering, replace(wanted, status="", pick=()))
    order = list(everything.values_list("pk", flat=True))
    rows = clusters_of(cluster.clustering, replace(wanted, status=wanted.status or ClusterStatus.PROPOSED))
    waiting = rows.exclude(pk=cluster.pk)
    here = order.index(cluster.pk) if cluster.pk in order else _place_in(order, cluster)
    ahead = order[here:] + order[:here]
    for pks in (set(waiting.filter(WORTH).values_list("pk", flat=True)), set(waiting.values_list("pk", flat=True))):
        if pks:
            return next(pk for pk in ahead if pk in pks)
    return None


def _place_in(order: list[int], cluster: Cluster) -> int:
    """Where a cluster that is not in the list would stand in it."""
    better = (
        Q(saved_ms__gte=cluster.saved_ms) if cluster.saved_ms is not None else Q(saved_calls__gte=cluster.saved_calls)
    )
    return Cluster.objects.filter(better, pk__in=order).count()


class Neighbours(NamedTuple):
    """The clusters before and after one in a list, and its place in it (from 1; 0 if it is not in it)."""

    previous: int | None
    following: int | None
    place: int
    total: int


def neighbours(cluster: Cluster, rows: QuerySet[Cluster]) -> Neighbours:
    keys = list(rows.values_list("pk", flat=True))
    if cluster.pk not in keys:
        return Neighbours(None, keys[0] if keys else None, 0, len(keys))
    here = keys.index(cluster.pk)
    following = keys[here + 1] if here + 1 < len(keys) else None
    return Neighbours(keys[here - 1] if here else None, following, here + 1, len(keys))


def last_decision(application: Application, user: User) -> Review | None:
    """The person's last decision that still holds, if it can be taken back: nothing later rests on it, and the traffic
    was not clustered again since."""
    own = holding(Review.objects.filter(application=application, reviewer=user)).select_related("cluster")
    review = own.first()
    if review is None or overtaken([review]) or (review.cluster and not is_in_force(review.cluster)):
        return None
    return review
