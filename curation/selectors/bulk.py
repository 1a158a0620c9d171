"""Which queries one action is about, and what it will find."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import QuerySet

from curation.models import Application, Query, Review, ToolSetVersion
from curation.selectors.traffic import TrafficFilter, down_to, edge_of, queries_of

SAMPLES = 10


class Target(NamedTuple):
    """The queries of an action, and those of them that somebody else decided on since they were shown."""

    queries: QuerySet[Query]
    decided_since: QuerySet[Query]

    @property
    def free(self) -> QuerySet[Query]:
        return self.queries.exclude(pk__in=self.decided_since.order_by().values("pk"))


def chosen(application: Application, keys: list[str], seen: int, user: User) -> Target:
    """The application's queries with these keys; `seen` is the newest decision that the user saw."""
    return _target(application, Query.objects.filter(application=application, pk__in=keys), seen, user)


def passing(application: Application, wanted: TrafficFilter, as_of: UUID, seen: int, user: User) -> Target:
    """The queries that pass a filter and are counted in its list, but for those that arrived after `as_of`."""
    queries = down_to(queries_of(application, wanted), edge_of(application, wanted))
    return _target(application, queries.filter(id__lt=as_of), seen, user)


def _target(application: Application, queries: QuerySet[Query], seen: int, user: User) -> Target:
    others = Review.objects.filter(application=application, pk__gt=seen, query_id__isnull=False).exclude(reviewer=user)
    return Target(queries, queries.filter(pk__in=others.values("query_id")))


class ToolSetsOf(NamedTuple):
    """The tool sets of some queries, the commonest first, and how many queries came without one."""

    versions: list[ToolSetVersion]
    without: int


def tool_sets_of(queries: QuerySet[Query], most: int) -> ToolSetsOf:
    keys = list(queries.values_list("tool_set", flat=True)[:most])
    counted = Counter(key for key in keys if key is not None)
    versions = ToolSetVersion.objects.in_bulk(list(counted))
    return ToolSetsOf([versions[pk] for pk, _ in counted.most_common()], len(keys) - counted.total())
