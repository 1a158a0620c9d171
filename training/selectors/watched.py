"""Functions that are looked at closely, since an audited answer of theirs disagreed not long ago."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from curation.identifiers import first_id
from curation.models import RouterDecision
from curation.models.traffic import INLINE_ROUTES

WATCHED_FOR = timedelta(days=1)
CLOSER_LOOK = 20
"""Answers of a function before and after one that disagreed about which the teacher is asked."""
MOST_LOOKED_AT = 200
"""Disagreements, the newest first."""


def watched_functions(application_id: int) -> set[tuple[str, str]]:
    """(version of the student, function) with less than `CLOSER_LOOK` audited answers since the last that disagreed."""
    disagreed = RouterDecision.objects.filter(
        application=application_id,
        agrees=False,
        route__in=INLINE_ROUTES,
        query__gte=first_id(timezone.now() - WATCHED_FOR),
    )
    newest = disagreed.order_by("-query").values_list("student", "function", "query")[:MOST_LOOKED_AT]
    last = {(student, function): query for student, function, query in reversed(newest)}
    return {key for key, query in last.items() if _audited_since(application_id, *key, query) < CLOSER_LOOK}


def _audited_since(application_id: int, student: str, function: str, query: object) -> int:
    audited = RouterDecision.objects.filter(
        application=application_id,
        student=student,
        function=function,
        route__in=INLINE_ROUTES,
        agrees__isnull=False,
        query__gt=query,
    )
    return audited[:CLOSER_LOOK].count()
