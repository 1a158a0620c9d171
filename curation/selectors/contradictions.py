"""Texts that the teacher answered with different calls."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache, partial
from typing import NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from curation.ml.calls import Call, canonical_call
from curation.ml.tools import ToolSet, canonical_json, parse_tools
from curation.ml.traffic import Canonical
from curation.models import Cluster, Query
from curation.selectors.tool_sets import current_tool_set

TEXTS_SHOWN = 8


class Answer(NamedTuple):
    """One call that the teacher made (or a person put in its place), how often, and a query where it did."""

    call: Call | None
    times: int
    query_id: UUID


class Contradiction(NamedTuple):
    """One text with its different calls, the commonest first. `queries` is how many are alike, `key` finds them."""

    key: UUID
    text: str
    queries: int
    answers: list[Answer]

    @property
    def version(self) -> str:
        """What tells these answers from others that somebody's corrections have made of them."""
        seen = [[answer.call and answer.call.as_json(), answer.times] for answer in self.answers]
        return hashlib.sha256(canonical_json(seen).encode()).hexdigest()[:16]


class Contradictions(NamedTuple):
    """The first ones that still stand, and how many texts there were when the traffic was clustered."""

    texts: list[Contradiction]
    total: int


def contradictions_of(cluster: Cluster) -> Contradictions:
    """Texts with different calls, the most frequent first. Those that are settled since are left out."""
    known = [[UUID(pk) for pk in ids] for ids in cluster.contradictions]
    found: list[Contradiction] = []
    canonical = _canonical(cluster) if known else canonical_call
    for start in range(0, len(known), TEXTS_SHOWN):
        group = known[start : start + TEXTS_SHOWN]
        rows = _usable(cluster, [pk for ids in group for pk in ids])
        queries = {query.pk: query for query in rows.only("id", "text", "function", "arguments", "several_calls")}
        found += [one for ids in group if (one := _contradiction(ids, queries, canonical)) is not None]
        if len(found) >= TEXTS_SHOWN:
            break
    return Contradictions(found[:TEXTS_SHOWN], len(known))


def contradiction_with(cluster: Cluster, key: UUID) -> tuple[Contradiction | None, QuerySet[Query]]:
    """The contradiction with this key, if it still stands, and the queries with its text."""
    ids = next(([UUID(pk) for pk in ids] for ids in cluster.contradictions if ids[0] == str(key)), [])
    rows = _usable(cluster, ids)
    return _contradiction(ids, {query.pk: query for query in rows}, _canonical(cluster)), rows


def _usable(cluster: Cluster, ids: Iterable[UUID]) -> QuerySet[Query]:
    return Query.objects.filter(application=cluster.application_id, pk__in=list(ids), excluded=False, labelled=True)


def _canonical(cluster: Cluster) -> Canonical:
    latest = current_tool_set(cluster.application)
    tools = _parsed(canonical_json(latest.tools)) if latest else None
    return partial(canonical_call, tools=tools, rules=cluster.application.comparison_rules)


@lru_cache(maxsize=32)
def _parsed(tools: str) -> ToolSet:
    """Reading and checking the schemas takes longer than all the rest of the page."""
    return parse_tools(json.loads(tools))


def _contradiction(ids: list[UUID], queries: dict[UUID, Query], canonical: Canonical) -> Contradiction | None:
    rows = [queries[pk] for pk in ids if pk in queries]
    by_call: dict[object, list[Query]] = defaultdict(list)
    for query in rows:
        by_call["several" if query.several_calls else canonical(query.call)].append(query)
    if len(by_call) < 2:
        return None
    answers = [Answer(group[0].call, len(group), group[0].pk) for group in by_call.values()]
    return Contradiction(ids[0], rows[0].text, len(rows), sorted(answers, key=lambda answer: -answer.times))
