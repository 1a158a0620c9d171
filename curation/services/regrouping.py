"""Clusters that people split and merge. The old ones are kept as replaced, so that it can be undone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from curation.errors import OdiaError
from curation.models import Cluster, Pattern, Review
from curation.models.clusters import ClusterStatus
from curation.models.reviews import Decision
from curation.selectors.reviews import holding
from curation.services.cluster_locks import closed_reason, lock_cluster, lock_clusters, stale_reasons
from curation.services.composition import compose


@transaction.atomic
def cluster_split(
    *, cluster: Cluster, parts: Sequence[Collection[int]], user: User | None, seen: str | None = None
) -> list[Cluster]:
    """Put new clusters, which are to be decided, in the place of one.

    Args:
        parts: keys of patterns; those of the cluster's that are in none make one more part.
        seen: `version_of` the cluster that the person looked at.

    Raises:
        OdiaError: there would be fewer than two parts, a pattern is not in the cluster or in two parts, or somebody
            else decided meanwhile.
    """
    cluster = lock_cluster(cluster=cluster, seen=seen)
    patterns = {pattern.pk: pattern for pattern in cluster.patterns.all()}
    groups = _groups(patterns, parts)
    made = [compose([cluster], group, ClusterStatus.PROPOSED) for group in groups]
    _replace([cluster], made, Decision.SPLIT, user, {cluster.pk: list(patterns)})
    return made


@transaction.atomic
def clusters_merge(*, clusters: Sequence[Cluster], user: User | None, seen: Mapping[int, str] | None = None) -> Cluster:
    """Put one new cluster in the place of several of one function. It keeps a decision that they all had.

    Raises:
        OdiaError: they are fewer than two or call different functions, or somebody else decided meanwhile.
    """
    if len(clusters) < 2:
        raise OdiaError("Select at least two clusters to merge.")
    locked = lock_clusters(application_id=clusters[0].application_id, pks=[cluster.pk for cluster in clusters])
    gone = [closed_reason(cluster) for cluster in clusters if cluster.pk not in locked]
    refused = [*gone, *stale_reasons(locked, seen or {}).values()]
    if refused:
        raise OdiaError(" ".join(refused))
    if len({cluster.function for cluster in locked.values()}) > 1:
        raise OdiaError("Only clusters that call the same function can be merged.")
    rows = sorted(locked.values(), key=lambda cluster: -cluster.queries)
    patterns = {row.pk: list(row.patterns.all()) for row in rows}
    statuses = {row.status for row in rows}
    status = ClusterStatus(statuses.pop()) if len(statuses) == 1 else ClusterStatus.PROPOSED
    made = compose(rows, [pattern for group in patterns.values() for pattern in group], status)
    _replace(rows, [made], Decision.MERGE, user, {pk: [one.pk for one in group] for pk, group in patterns.items()})
    return made


def regrouping_restore(*, review: Review) -> None:
    """Bring back the clusters that a split or merge replaced; those that it made are replaced by them.

    Raises:
        OdiaError: one of those that it made was decided on, split or merged since.
    """
    made = Cluster.objects.select_for_update().filter(pk__in=review.after["clusters"])
    later = holding(Review.objects.filter(cluster__in=made, pk__gt=review.pk)).first()
    if later:
        raise OdiaError(
            f"“{later.cluster}” came of this and was decided on since ({later.get_decision_display().lower()}); "
            "undo that first."
        )
    old = [_bring_back(one) for one in review.before["clusters"]]
    made.update(status=ClusterStatus.REPLACED)
    for cluster in made:
        cluster.replaced_by.set(old)


def _bring_back(before: Mapping[str, Any]) -> Cluster:
    cluster = Cluster.objects.get(pk=before["pk"])
    cluster.status, cluster.inherited_from_id = before["status"], before["inherited_from"]
    cluster.save(update_fields=["status", "inherited_from"])
    cluster.replaced_by.clear()
    Pattern.objects.filter(pk__in=before["patterns"]).update(cluster=cluster)
    return cluster


def _groups(patterns: Mapping[int, Pattern], parts: Sequence[Collection[int]]) -> list[list[Pattern]]:
    chosen = [pk for part in parts for pk in part]
    if len(chosen) != len(set(chosen)) or not set(chosen) <= patterns.keys():
        raise OdiaError("Some of these patterns are not in this cluster any more. Look at it again, then split it.")
    rest = [pattern for pk, pattern in patterns.items() if pk not in set(chosen)]
    groups = [group for group in (*([patterns[pk] for pk in part] for part in parts), rest) if group]
    if len(groups) < 2:
        raise OdiaError(
            "Select some of the cluster's patterns, not none and not all: they become a cluster of their own."
        )
    return groups


def _replace(
    old: Sequence[Cluster],
    made: Sequence[Cluster],
    decision: Decision,
    user: User | None,
    patterns: Mapping[int, list[int]],
) -> Review:
    """The review, at the first of the old clusters, that tells how to undo it."""
    before = [
        {"pk": one.pk, "status": one.status, "inherited_from": one.inherited_from_id, "patterns": patterns[one.pk]}
        for one in old
    ]
    for cluster in old:
        cluster.replaced_by.set(made)
    Cluster.objects.filter(pk__in=[one.pk for one in old]).update(status=ClusterStatus.REPLACED)
    return Review.objects.create(
        application_id=old[0].application_id,
        decision=decision,
        cluster=old[0],
        reviewer=user,
        before={"clusters": before},
        after={"clusters": [one.pk for one in made]},
    )
