"""How the newest queries that pass a filter divide: by function, route, reason and source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from curation.models import Query
from curation.models.traffic import Route, Source
from curation.selectors.traffic import COUNT_CAP, NO_CALL, CappedCount, capped

VALUES_SHOWN = 6


class FacetValue(NamedTuple):
    """One value of a field: as the filter takes it, in words, and how many of the counted queries have it."""

    value: str
    words: str
    queries: int


class Facet(NamedTuple):
    """A field of the filter by its name, with its commonest values."""

    name: str
    values: list[FacetValue]


class Outline(NamedTuple):
    """How many queries pass a filter, how the newest `COUNT_CAP` of them divide, and the keys of these."""

    passing: CappedCount
    facets: list[Facet]
    keys: list[UUID]


def outline(queries: QuerySet[Query]) -> Outline:
    """One read, of `COUNT_CAP` queries and one at most."""
    columns = ("id", "labelled", "function", "decision__route", "decision__reason", "source")
    rows = list(queries.values_list(*columns)[: COUNT_CAP + 1])
    functions = (function or NO_CALL for _, labelled, function, *_ in rows if labelled)
    routes = (route for *_, route, _, _ in rows if route)
    reasons = (reason.partition(":")[0] for *_, reason, _ in rows if reason)
    facets = [
        Facet("function", _commonest(functions, {NO_CALL: "no call"})),
        Facet("route", _commonest(routes, dict(Route.choices))),
        Facet("reason", _commonest(reasons, {})),
        Facet("source", _commonest((row[-1] for row in rows), dict(Source.choices))),
    ]
    return Outline(capped(len(rows)), [facet for facet in facets if len(facet.values) > 1], [row[0] for row in rows])


def _commonest(values: Iterable[str], words: dict[str, str]) -> list[FacetValue]:
    counted = Counter(values).most_common(VALUES_SHOWN)
    return [FacetValue(value, words.get(value, value), times) for value, times in counted]
