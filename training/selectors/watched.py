"""Functions that are looked at closely, since a call of the student's was not the teacher's not long ago."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db.models import F, QuerySet
from django.utils import timezone

from curation.identifiers import first_id
from curation.models import RouterDecision
from curation.models.traffic import INLINE_ROUTES, Route

WATCHED_FOR = timedelta(days=1)
CLOSER_LOOK = 20
"""Answers of a function after one that disagreed about which the teacher is asked."""
LOOKED_BACK = 5
"""And before it: enough to find out a teacher that answers otherwise, too few for its old answers to hide that."""
AFTER_NEAR_MISS = 2
"""Answers of a function after a near miss about which the teacher is asked."""
MOST_LOOKED_AT = 200
"""Disagreements, the newest first."""


def watched_functions(application_id: int) -> set[tuple[str, str]]:
    """(version of the student, function) of which the next inline answers are audited.

    So it is until `CLOSER_LOOK` of them were audited since the last inline answer that disagreed, and until
    `AFTER_NEAR_MISS` were since the last near miss.
    """
    disagreed = RouterDecision.objects.filter(
        application=application_id, agrees=False, query__gte=first_id(timezone.now() - WATCHED_FOR)
    )
    inline = _with_fewer_audits(application_id, disagreed.filter(route__in=INLINE_ROUTES), CLOSER_LOOK)
    return inline | _with_fewer_audits(application_id, _near_misses(disagreed), AFTER_NEAR_MISS)


def _near_misses(disagreed: QuerySet[RouterDecision]) -> QuerySet[RouterDecision]:
    """Where the student refused, with at least half the odds of being right that it answers with, and was wrong.

    The teacher answered these anyway: where it answers otherwise than before, they are the first to show it.
    """
    half_the_odds = F("threshold") / (2.0 - F("threshold"))
    return disagreed.filter(route=Route.FALLBACK, confidence__gte=half_the_odds, confidence__lt=F("threshold")).exclude(
        function=""
    )


def _with_fewer_audits(application_id: int, disagreed: QuerySet[RouterDecision], than: int) -> set[tuple[str, str]]:
    """Of which fewer inline answers were audited since the last of these."""
    newest = disagreed.order_by("-query").values_list("student", "function", "query")[:MOST_LOOKED_AT]
    last = {(student, function): query for student, function, query in reversed(newest)}
    return {key for key, query in last.items() if _audited_since(application_id, *key, query, than) < than}


def _audited_since(application_id: int, student: str, function: str, query: UUID, most: int) -> int:
    audited = RouterDecision.objects.filter(
        application=application_id,
        student=student,
        function=function,
        route__in=INLINE_ROUTES,
        agrees__isnull=False,
        query__gt=query,
    )
    return audited[:most].count()
