"""Contradictions of the teacher, settled for all queries with the same text in one action."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction

from curation.errors import OdiaError
from curation.models import Cluster
from curation.models.reviews import Decision
from curation.selectors.contradictions import contradiction_with
from curation.services.query_reviews import Batch, queries_change


@transaction.atomic
def contradiction_settle(*, cluster: Cluster, key: UUID, answer: UUID | None, seen: str, user: User | None) -> Batch:
    """Correct all queries with the text to the call of the query `answer`, or exclude them where that is None.

    Args:
        key: of the contradiction.
        seen: its `version` when the person looked at it.

    Raises:
        OdiaError: somebody has changed the calls meanwhile, or the call does not fit the tools.
    """
    found, queries = contradiction_with(cluster, key)
    if found is None or found.version != seen:
        raise OdiaError("Somebody has changed the calls of this text meanwhile. Look at them again, then decide.")
    if answer is None:
        return queries_change(queries=queries, decision=Decision.EXCLUDE, user=user)
    chosen = next((one for one in found.answers if one.query_id == answer), None)
    if chosen is None:
        raise OdiaError("This answer is not one of the text's any more. Look at them again, then decide.")
    return queries_change(queries=queries, decision=Decision.CORRECT, call=chosen.call, user=user)
