"""Reads of traffic. Pages go by key, never by offset, and nothing counts more rows than it shows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import QuerySet
from django.utils import timezone

from curation.identifiers import first_id
from curation.ml.calls import Call
from curation.ml.patterns import delexicalise
from curation.models import Application, Query, Review, TeacherCall
from curation.models.traffic import Purpose

PAGE_SIZE = 50
COUNT_CAP = 1000
NO_CALL = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficFilter:
    """What a list of queries is narrowed to; an empty value does not narrow it. Both dates belong to the span."""

    q: str = ""
    function: str = ""
    route: str = ""
    source: str = ""
    cluster: int | None = None
    labelled: bool | None = None
    agrees: bool | None = None
    excluded: bool | None = None
    since: date | None = None
    until: date | None = None


class TrafficPage(NamedTuple):
    """Some queries, newest first, and whether there are newer and older ones."""

    rows: list[Query]
    has_newer: bool
    has_older: bool


class CappedCount(NamedTuple):
    """A number of rows, or only that there are more than `COUNT_CAP`."""

    number: int
    capped: bool


def queries_of(application: Application, wanted: TrafficFilter) -> QuerySet[Query]:
    """The queries that pass the filter, newest first."""
    rows = Query.objects.filter(application=application, **_conditions(wanted)).order_by("-id")
    return matching(rows, wanted.q) if wanted.q.strip() else rows


def matching(queries: QuerySet[Query], text: str) -> QuerySet[Query]:
    """Those queries that hold all words of the text; its last word may be the beginning of one, as it is typed."""
    words = [f"'{word}'" for word in re.findall(r"\w+", text)]
    if not words:
        return queries.none()
    terms = " & ".join([*words[:-1], f"{words[-1]}:*"])
    search = SearchQuery(terms, config="simple", search_type="raw")
    return queries.annotate(words=SearchVector("text", config="simple")).filter(words=search)


def page_of(
    queries: QuerySet[Query], before: UUID | None = None, after: UUID | None = None, size: int = PAGE_SIZE
) -> TrafficPage:
    """The page of queries older than `before`, or newer than `after`, or the newest."""
    rows = queries.select_related("decision").defer("context")
    if after:
        found = list(rows.filter(id__gt=after).order_by("id")[: size + 1])
        return TrafficPage(found[:size][::-1], len(found) > size, has_older=True)
    if before:
        rows = rows.filter(id__lt=before)
    found = list(rows[: size + 1])
    return TrafficPage(found[:size], before is not None, len(found) > size)


def neighbours(queries: QuerySet[Query], pk: UUID) -> tuple[UUID | None, UUID | None]:
    """The keys of the next newer and the next older query of the list."""
    keys = queries.values_list("id", flat=True)
    return keys.filter(id__gt=pk).order_by("id").first(), keys.filter(id__lt=pk).first()


def capped_count(queries: QuerySet[Query]) -> CappedCount:
    found = queries.order_by()[: COUNT_CAP + 1].count()
    return CappedCount(min(found, COUNT_CAP), found > COUNT_CAP)


def query_detail(application: Application, pk: UUID) -> Query | None:
    """A query with everything that its page shows, its teacher calls and reviews aside."""
    related = ("tool_set", "pattern__cluster", "decision", "shadow", "application")
    return Query.objects.filter(application=application, pk=pk).select_related(*related).first()


def teacher_calls(query: Query) -> list[TeacherCall]:
    """The teacher's answers to a query, in the order of time."""
    return list(TeacherCall.objects.filter(query=query).order_by("called_at", "id"))


def teachers_call(answers: list[TeacherCall]) -> TeacherCall | None:
    """The answer of the teacher that counts when no person has corrected it."""
    first = [answer for answer in answers if answer.purpose != Purpose.RESAMPLE]
    return first[0] if first else None


def reviews_of_query(query: Query) -> list[Review]:
    return list(Review.objects.filter(query_id=query.pk).select_related("reviewer", "undone_by"))


class Segment(NamedTuple):
    """A piece of a query's text, and the parameter whose value it is."""

    text: str
    parameter: str


def segments(text: str, call: Call | None) -> list[Segment]:
    """The text cut at the argument values of the call that stand in it."""
    pieces, position = [], 0
    for span in delexicalise(text, call).spans:
        pieces += [Segment(text[position : span.start], ""), Segment(text[span.start : span.end], span.parameter)]
        position = span.end
    return [piece for piece in [*pieces, Segment(text[position:], "")] if piece.text]


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


def _conditions(wanted: TrafficFilter) -> dict[str, object]:
    conditions: dict[str, object] = {
        "decision__route": wanted.route,
        "source": wanted.source,
        "pattern__cluster": wanted.cluster,
        "labelled": wanted.labelled,
        "decision__agrees": wanted.agrees,
        "excluded": wanted.excluded,
        "id__gte": first_id(_start_of(wanted.since)) if wanted.since else None,
        "id__lt": first_id(_start_of(wanted.until + timedelta(days=1))) if wanted.until else None,
    }
    kept = {name: value for name, value in conditions.items() if value not in ("", None)}
    if wanted.function:
        kept["function"] = "" if wanted.function == NO_CALL else wanted.function
        kept["labelled"] = True
    return kept


def _start_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
