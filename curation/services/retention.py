"""Deleting old queries. Sums per hour, reviews, datasets and evaluations stay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from curation.errors import OdiaError
from curation.identifiers import first_id
from curation.models import Application, Query, RouterDecision, ShadowAnswer, TeacherCall
from curation.selectors.retention import purge_limit
from curation.services.jobs import Report

KEEPS_ALL = "Nothing is deleted: no number of days is set under Settings, Retention."
BATCH = 1000
"""Queries deleted in one transaction: so few that traffic which is written meanwhile does not wait."""


def queries_purge(*, application: Application, report: Report) -> dict[str, int]:
    """Delete the queries that are too old, with the teacher's calls, the router's decisions and shadow answers.

    Returns:
        How many rows of each kind are gone.

    Raises:
        OdiaError: the application keeps everything.
    """
    before = purge_limit(application)
    if before is None:
        raise OdiaError(KEEPS_ALL)
    old = Query.objects.filter(application=application, id__lt=first_id(before))
    total = max(old.count(), 1)
    deleted: Counter[str] = Counter(queries=0, teacher_calls=0, decisions=0, shadow_answers=0)
    while keys := list(old.order_by("id").values_list("id", flat=True)[:BATCH]):
        report("Deleting", min(deleted["queries"] / total, 1.0), f"{deleted['queries']} of {total} queries deleted")
        deleted.update(queries_delete(queries=keys))
    # The answer of a challenger whose query never came in hangs on nothing.
    left = ShadowAnswer.objects.filter(application=application, query_id__lt=first_id(before))
    deleted["shadow_answers"] += left.delete()[0]
    return dict(deleted)


@transaction.atomic
def queries_delete(*, queries: Sequence[UUID]) -> dict[str, int]:
    """Delete queries with all that hangs on them; returns how many rows of each kind are gone."""
    _, by_model = Query.objects.filter(pk__in=queries).delete()
    return {label: by_model.get(model._meta.label, 0) for model, label in _LABELS}


_LABELS = (
    (Query, "queries"),
    (TeacherCall, "teacher_calls"),
    (RouterDecision, "decisions"),
    (ShadowAnswer, "shadow_answers"),
)
