"""Reads of decisions: which still hold, and what belongs to one action."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db.models import QuerySet

from curation.models import Application, Review
from curation.models.reviews import Decision
from curation.models.traffic import call_of


def overtaken(reviews: Sequence[Review]) -> set[int]:
    """The keys of those of one action's reviews after which a decision that still holds is about the same thing."""
    queries = {review.query_id for review in reviews if review.query_id}
    clusters = {review.cluster_id for review in reviews if review.cluster_id}
    later = holding(Review.objects.filter(pk__gt=max(review.pk for review in reviews)))
    queries &= set(later.filter(query_id__in=queries).values_list("query_id", flat=True))
    clusters &= set(later.filter(cluster__in=clusters).values_list("cluster_id", flat=True))
    return {review.pk for review in reviews if review.query_id in queries or review.cluster_id in clusters}


def holding(reviews: QuerySet[Review]) -> QuerySet[Review]:
    """Those that are not taken back, and are no taking back themselves."""
    return reviews.filter(undone_by__isnull=True).exclude(decision=Decision.UNDO)


def in_batch(application: Application, batch: UUID) -> int:
    """How many decisions an action made."""
    return Review.objects.filter(application=application, batch=batch).exclude(decision=Decision.UNDO).count()


def with_undoable(reviews: Iterable[Review]) -> list[Review]:
    """The reviews of one thing, newest first.

    `undoable` marks the newest that still holds: it can be taken back. `call` is the call that a correction gave.
    """
    found = list(reviews)
    holds = [review for review in found if review.decision != Decision.UNDO and not hasattr(review, "undone_by")]
    for review in found:
        review.undoable = review is (holds[0] if holds else None)  # type: ignore[attr-defined]
        review.call = call_of(review.after.get("function"), review.after.get("arguments"))  # type: ignore[attr-defined]
    return found
