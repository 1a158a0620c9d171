"""Taking decisions back. What was undone stays in the history, with its undoing."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from curation.errors import OdiaError
from curation.models import Review
from curation.models.reviews import Decision
from curation.services.cluster_reviews import cluster_restore
from curation.services.query_reviews import query_restore


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
        cluster_restore(review=review)
    elif review.query_id:
        query_restore(review=review)
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
