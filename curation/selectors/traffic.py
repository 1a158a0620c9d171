"""Reads of traffic. Pages go by key, never by offset, and nothing counts more rows than it shows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import F, Model, Q, QuerySet
from django.db.models.functions import Coalesce

from curation.identifiers import first_id
from curation.ml.calls import Call
from curation.ml.patterns import delexicalise
from curation.models import Application, Cluster, Pattern, Query, Review, ToolSetVersion
from curation.models.traffic import INLINE_ROUTES
from curation.selectors.similar import alike

PAGE_SIZE = 50
COUNT_CAP = 1000
SCAN_LIMIT = 50_000
"""How many queries are looked through at once for a condition that no index serves."""
NO_CALL = "-"
INLINE = "inline"
"""In place of a route: those on which a student's call is the answer."""
_TOOL_SETS_READ = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficFilter:
    """What a list of queries is narrowed to; an empty value does not narrow it.

    `since` belongs to the span of time, `until` does not. `latency_from` and `latency_to` are milliseconds of the
    answer that the application got, `reason` is how the reason of the routing begins, `like` is a query whose
    nearest patterns are wanted, `batch` the mark of one action of a person.
    """

    q: str = ""
    function: str = ""
    offered: str = ""
    route: str = ""
    reason: str = ""
    source: str = ""
    user: str = ""
    student: str = ""
    cluster: int | None = None
    pattern: int | None = None
    like: UUID | None = None
    batch: UUID | None = None
    labelled: bool | None = None
    corrected: bool | None = None
    excluded: bool | None = None
    agrees: bool | None = None
    confidence_from: float | None = None
    confidence_to: float | None = None
    latency_from: float | None = None
    latency_to: float | None = None
    since: datetime | None = None
    until: datetime | None = None


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
    rows = Query.objects.filter(application=application).order_by("-id")
    for name, value in _given(wanted).items():
        rows = _narrowed(rows, application, name, value)
    return rows


def edge_of(application: Application, wanted: TrafficFilter, before: UUID | None = None) -> UUID | None:
    """The key of the last query that is looked through, from `before` or from the newest on.

    None where indexes serve every condition, or where fewer than `SCAN_LIMIT` queries are left to look through.
    """
    if not any(getattr(wanted, name) is not None for name in _SCANNED):
        return None
    rows = queries_of(application, TrafficFilter(since=wanted.since, until=wanted.until))
    if before:
        rows = rows.filter(id__lt=before)
    last = list(rows.values_list("id", flat=True)[SCAN_LIMIT - 1 : SCAN_LIMIT + 1])
    return last[0] if len(last) == 2 else None


def down_to(queries: QuerySet[Query], edge: UUID | None) -> QuerySet[Query]:
    """Those of the queries that are not older than the edge."""
    return queries.filter(id__gte=edge) if edge else queries


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
    if after:
        found = _keys(queries.filter(id__gt=after).order_by("id"))
        return TrafficPage(_rows(found[:size]), len(found) > size, has_older=True)
    found = _keys(queries.filter(id__lt=before) if before else queries)
    return TrafficPage(_rows(found[:size]), before is not None, len(found) > size)


def first_page(keys: Sequence[UUID], size: int = PAGE_SIZE) -> TrafficPage:
    """The page of the newest queries, whose keys are known."""
    return TrafficPage(_rows(keys[:size]), has_newer=False, has_older=len(keys) > size)


def _keys(queries: QuerySet[Query]) -> list[UUID]:
    # For a few rows PostgreSQL walks through the table by time in the hope to meet them soon; for this many it takes
    # the index of the condition.
    return list(queries.values_list("id", flat=True)[: COUNT_CAP + 1])


def _rows(keys: Sequence[UUID]) -> list[Query]:
    return list(Query.objects.filter(pk__in=keys).select_related("decision").defer("context").order_by("-id"))


class Place(NamedTuple):
    """Where a query stands in a list: the keys of its neighbours, and how many are newer than it."""

    newer: UUID | None
    older: UUID | None
    before_it: CappedCount


def place_of(queries: QuerySet[Query], pk: UUID, edge: UUID | None = None) -> Place:
    """`edge`: how far back is looked for the next older one."""
    newer = _keys(queries.filter(id__gt=pk).order_by("id"))
    older = _keys(down_to(queries, edge).filter(id__lt=pk))
    return Place(newer[0] if newer else None, older[0] if older else None, capped(len(newer)))


def capped_count(queries: QuerySet[Query]) -> CappedCount:
    return capped(queries.order_by()[: COUNT_CAP + 1].count())


def capped(found: int) -> CappedCount:
    return CappedCount(min(found, COUNT_CAP), found > COUNT_CAP)


def newest_review(application: Application) -> int:
    """The key of the application's newest decision; 0 if there is none."""
    return application.reviews.values_list("pk", flat=True).first() or 0


def functions_seen(application: Application) -> list[str]:
    """The functions of the newest tool sets, those of the newest first."""
    newest = application.tool_sets.values_list("tools", flat=True)[:_TOOL_SETS_READ]
    return list(dict.fromkeys(tool["function"]["name"] for tools in newest for tool in tools))


def names_of(application: Application, wanted: TrafficFilter) -> dict[str, str]:
    """What the keys in a filter stand for, in words, where they are the application's."""
    named: dict[str, tuple[type[Model], str]] = {
        "cluster": (Cluster, "name"),
        "pattern": (Pattern, "template"),
        "like": (Query, "text"),
    }
    names: dict[str, str] = {}
    for field, (model, column) in named.items():
        if key := getattr(wanted, field):
            rows = model._default_manager.filter(application=application, pk=key)
            names[field] = rows.values_list(column, flat=True).first() or "one that is not there"
    return names


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


_SCANNED = ("confidence_from", "confidence_to", "latency_from", "latency_to")
_COLUMNS: Mapping[str, str] = {
    "route": "decision__route",
    "reason": "decision__reason__startswith",
    "source": "source",
    "user": "client_id",
    "student": "decision__student",
    "cluster": "pattern__cluster",
    "pattern": "pattern",
    "labelled": "labelled",
    "corrected": "corrected",
    "excluded": "excluded",
    "agrees": "decision__agrees",
    "confidence_from": "decision__confidence__gte",
    "confidence_to": "decision__confidence__lte",
    "latency_from": "took__gte",
    "latency_to": "took__lte",
}


def _given(wanted: TrafficFilter) -> dict[str, Any]:
    values = {field.name: getattr(wanted, field.name) for field in fields(wanted)}
    return {name: value for name, value in values.items() if value not in ("", None)}


def _narrowed(rows: QuerySet[Query], application: Application, name: str, value: Any) -> QuerySet[Query]:
    match name:
        case "q":
            return matching(rows, value)
        case "function":
            return rows.filter(labelled=True, function="" if value == NO_CALL else value)
        case "route" if value == INLINE:
            return rows.filter(decision__route__in=INLINE_ROUTES)
        case "offered":
            return rows.filter(tool_set__in=_offering(application, value))
        case "like":
            return rows.filter(pattern__in=alike(application, value))
        case "batch":
            reviews = Review.objects.filter(application=application, batch=value, undoes__isnull=True)
            return rows.filter(pk__in=reviews.values("query_id"))
        case "since":
            return rows.filter(id__gte=first_id(value))
        case "until":
            return rows.filter(id__lt=first_id(value))
        case "latency_from" | "latency_to":
            rows = rows.alias(took=Coalesce(F("decision__total_ms"), F("latency_ms")))
    return rows.filter(Q((_COLUMNS[name], value)))


def _offering(application: Application, function: str) -> list[int]:
    versions = ToolSetVersion.objects.filter(
        application=application, tools__contains=[{"function": {"name": function}}]
    )
    return list(versions.values_list("pk", flat=True))
