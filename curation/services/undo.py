"""Taking decisions back. What was undone stays in the history, with its undoing."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction

from curation.errors import OdiaError
from curation.models import Application, Cluster, Query, Review
from curation.models.reviews import Decision
from curation.selectors.reviews import holding, overtaken
from curation.services.cluster_reviews import cluster_restore
from curation.services.query_reviews import queries_restore

_OVERTAKEN = "This decision cannot be undone: a later one rests on it. Undo the later one first."


@transaction.atomic
def review_undo(*, review: Review, user: User | None) -> Review:
    """Put back what one review changed, also where it is one of a batch.

    Raises:
        OdiaError: it is undone already, or a later decision that still holds is about the same thing.
    """
    if review.decision == Decision.UNDO:
        raise OdiaError("An undoing cannot be undone: decide again.")
    if not review.cluster_id and not review.query_id:
        raise OdiaError("What this decision was about is not there any more.")
    _lock([review])
    if Review.objects.filter(undoes=review).exists():
        raise OdiaError("This decision cannot be undone again: it is taken back already.")
    if overtaken([review]):
        raise OdiaError(_OVERTAKEN)
    _put_back([review], user)
    return Review.objects.get(undoes=review)


@transaction.atomic
def batch_undo(*, application: Application, batch: UUID, user: User | None) -> int:
    """Put back what one action changed, and say how many of its decisions that were.

    Queries that a later decision is about stay as they are: that decision was made on what the action left. An
    action on clusters is put back whole or not at all, because its clusters rest on each other.

    Raises:
        OdiaError: there is nothing left to take back, or a later decision is about one of the clusters.
    """
    found = list(holding(Review.objects.filter(application=application, batch=batch)).order_by("-pk"))
    _lock(found)
    found = list(holding(Review.objects.filter(pk__in=[review.pk for review in found])).order_by("-pk"))
    later = overtaken(found) if found else set()
    if any(review.cluster_id and review.pk in later for review in found):
        raise OdiaError(_OVERTAKEN)
    free = [review for review in found if review.pk not in later]
    if not free:
        raise OdiaError("Nothing is left of this to take back: it was undone, or decided on again, since.")
    _put_back(free, user)
    return len(free)


def _lock(reviews: Sequence[Review]) -> None:
    """Lock what the reviews are about, in the order of its keys as every decision does."""
    clusters = {review.cluster_id for review in reviews if review.cluster_id}
    queries = {review.query_id for review in reviews if review.query_id}
    if clusters:  # Every decision about clusters locks the application before them.
        applications = {review.application_id for review in reviews}
        list(Application.objects.filter(pk__in=applications).order_by("pk").select_for_update().values_list("pk"))
    list(Cluster.objects.filter(pk__in=clusters).order_by("pk").select_for_update().values_list("pk"))
    list(Query.objects.filter(pk__in=queries).order_by("pk").select_for_update().values_list("pk"))


def _put_back(reviews: Sequence[Review], user: User | None) -> None:
    """Reviews of one action, newest first."""
    for review in reviews:
        if review.cluster_id:
            cluster_restore(review=review)
    of_queries = [review for review in reviews if review.query_id]
    for decision in {review.decision for review in of_queries}:
        queries_restore(reviews=[review for review in of_queries if review.decision == decision])
    Review.objects.bulk_create([_undoing(review, user) for review in reviews], batch_size=2000)


def _undoing(review: Review, user: User | None) -> Review:
    return Review(
        application_id=review.application_id,
        decision=Decision.UNDO,
        cluster_id=review.cluster_id,
        query_id=review.query_id,
        reviewer=user,
        before=review.after,
        after=review.before,
        undoes=review,
    )
