"""Reads of one query: its answers, its routing, what people decided about it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from django.db.models import Exists, OuterRef

from curation.ml.tools import canonical_json
from curation.models import Application, Query, Review, TeacherCall
from curation.models.traffic import Purpose
from curation.selectors.reviews import with_undoable

DECIDED = ("function", "arguments", "several_calls", "labelled", "corrected", "excluded")
"""The columns of a query that people decide about."""


def query_state(query: Query) -> str:
    """A mark that changes when what people decide about in the query does."""
    values = {name: getattr(query, name) for name in DECIDED}
    return hashlib.sha256(canonical_json(values).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def query_detail(application: Application, pk: UUID) -> Query | None:
    """A query with everything that its page shows, its teacher calls and reviews aside."""
    related = ("tool_set", "pattern__cluster", "decision", "shadow", "unusable", "application")
    return Query.objects.filter(application=application, pk=pk).select_related(*related).first()


def teacher_calls(query: Query) -> list[TeacherCall]:
    """The teacher's answers to a query, in the order of time."""
    return list(TeacherCall.objects.filter(query=query).order_by("called_at", "id"))


def teachers_call(answers: list[TeacherCall]) -> TeacherCall | None:
    """The answer of the teacher that counts when no person has corrected it."""
    first = [answer for answer in answers if answer.purpose != Purpose.RESAMPLE]
    return first[0] if first else None


def reviews_of_query(query: Query) -> list[Review]:
    """Newest first, each with whether it is one of `several` that were made in one action."""
    others = Review.objects.filter(batch=OuterRef("batch")).exclude(pk=OuterRef("pk"))
    rows = Review.objects.filter(query_id=query.pk).annotate(several=Exists(others))
    return with_undoable(rows.select_related("reviewer", "undone_by"))


_STEP_WORDS: Mapping[str, str] = {
    "key": "The key was checked",
    "form": "The request was read",
    "eligibility": "May it be answered inline?",
    "memo": "Looked up among exact repeats",
    "student": "The student answered, the gate judged",
    "teacher": "The teacher answered",
    "stream": "The teacher's answer was passed on",
}
"""In the order in which a request meets them."""


class Step(NamedTuple):
    """One step of a routing; `share` is of the longest step's time."""

    words: str
    ms: float
    share: float


def routing_steps(steps: Mapping[str, float]) -> list[Step]:
    """The steps that were taken, in their order: a JSON column does not keep it."""
    longest = max(steps.values(), default=0) or 1
    return [Step(words, steps[name], steps[name] / longest) for name, words in _STEP_WORDS.items() if name in steps]
