"""Which answered queries of live traffic students are held against, so that the figures hold of all that traffic.

Simple or not, every usable query of the window is an example, as in a test split: coverage is a share of all traffic.
Of the queries that a student was asked about, only those count that chance picks for audits (see `drawing`), and each
stands for as many as it was picked from; where the teacher has answered all that students met in the window, all
count, each for itself. Of queries that arrived before a student's dataset was built it may have learned the very
answer, so the window begins after that. Left out are calls of functions that were offered otherwise than a student
learned them: it is not to answer those.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from curation.identifiers import first_id, time_of
from curation.ml.calls import canonical_call, normalise_text
from curation.models import Application, Cluster, Query
from curation.models.clusters import ClusterStatus
from curation.services.jobs import Report
from training.models import DatasetExample, Student
from training.models.build_choices import EVERYTHING
from training.models.datasets import Split
from training.selectors.audit_shares import ALL_KNOWN, AuditShares, audit_shares
from training.selectors.teacher_changes import changed_functions
from training.services.drawing import (
    ASKED_A_STUDENT,
    BATCH,
    Group,
    OlderTools,
    asked_a_student,
    example_of,
    is_usable,
    labelled_queries,
    measures,
    route_of,
)
from training.services.policies import policy_of

LEAST_QUERIES = 50
MOST_QUERIES = 5_000
"""The newest of a window that are examples."""
LOOKED_AT = 100_000
"""The newest answered queries of a window, among which those are found."""
COUNTED = 10_000
"""The newest answered queries that are looked at to say how many examples there would be."""
SLICE = 200
"""Queries that are read at a time until enough are found."""
DAYS = (1, 7, 14, 30)
USUAL_DAYS = 7


@dataclass(frozen=True, slots=True)
class LiveSample:
    """`examples` are rows as a test split holds them, never saved; they stand for `queries` that were looked at.

    `window_from` is where the window really begins: no earlier than what the students learned from ends.
    """

    examples: list[DatasetExample]
    queries: int
    window_from: datetime


@dataclass(frozen=True, slots=True)
class LiveCounts:
    """By the number of days before now, how many queries could be looked at; `or_more` where not all were counted."""

    by_days: dict[int, int]
    or_more: bool


def draw_live(students: Sequence[Student], window_from: datetime, window_to: datetime, report: Report) -> LiveSample:
    """The newest queries of a window, grouped by text and call; at least one student, all of one application."""
    application, tools = students[0].application, students[0].tool_set.tool_set
    begin = begin_of(students, window_from)
    shares = _shares_known(application, begin, window_to)
    groups: dict[Hashable, Group] = {}
    window = _reported(_window(application, begin, window_to), report)
    newest = list(islice(_usable(students, window, shares), MOST_QUERIES))
    approved = _approved(newest)
    for query in newest:
        key = (normalise_text(query.text), canonical_call(query.call, tools, application.comparison_rules))
        route = route_of(query, query.cluster_id in approved, EVERYTHING)  # type: ignore[attr-defined]
        group = groups.setdefault(key, Group(query, route))
        group.measuring += round(1 / shares.at(query.pk)) if asked_a_student(query) else 1
    examples = [example_of(group, Split.TEST, group.measuring) for group in groups.values()]
    return LiveSample(examples, len(newest), time_of(newest[-1].pk) if len(newest) == MOST_QUERIES else begin)


def too_few_live(students: Sequence[Student], window_from: datetime) -> int | None:
    """How many queries `draw_live` would find until now, where these are too few.

    None where they suffice, or where the window holds so many that not all of them are counted.
    """
    application, now = students[0].application, timezone.now()
    begin = begin_of(students, window_from)
    shares = _shares_known(application, begin, now)
    window = _window(application, begin, now)
    measuring, or_more = _counted(window, shares)
    slices = (measuring[place : place + SLICE] for place in range(0, len(measuring), SLICE))
    queries = (query for keys in slices for query in window.filter(pk__in=keys))
    found = sum(1 for _ in islice(_usable(students, queries, shares), LEAST_QUERIES))
    return None if found == LEAST_QUERIES or or_more else found


def live_counts(students: Sequence[Student]) -> LiveCounts:
    """Costs one look at the newest queries, however many there are; functions offered otherwise are counted, too."""
    now = timezone.now()
    application = students[0].application
    begin = begin_of(students, now - timedelta(days=max(DAYS)))
    measuring, or_more = _counted(_window(application, begin, now), _shares_known(application, begin, now))
    found = [time_of(key) for key in measuring]
    by_days = {days: sum(moment >= now - timedelta(days=days) for moment in found) for days in DAYS}
    return LiveCounts(by_days, or_more)


def begin_of(students: Sequence[Student], window_from: datetime) -> datetime:
    """The window's beginning, but not before the datasets were built that the students learned from."""
    return max(window_from, *(student.dataset.created_at for student in students))


def _window(application: Application, begin: datetime, end: datetime) -> QuerySet[Query]:
    """The newest first, without those that no student may be asked (as `is_usable` says)."""
    rows = labelled_queries(application).filter(pk__gte=first_id(begin), pk__lt=first_id(end), excluded=False)
    if not policy_of(application).allow_context:
        rows = rows.filter(context=[])
    return rows.order_by("-id")


def _counted(window: QuerySet[Query], shares: AuditShares) -> tuple[list[UUID], bool]:
    """The keys of those among the newest that measure, and whether there may be more."""
    newest = list(window.only("id")[:COUNTED])
    return [query.pk for query in newest if measures(query, shares)], len(newest) == COUNTED


def _shares_known(application: Application, begin: datetime, end: datetime) -> AuditShares:
    """Of what students met, the share whose teacher's answer is known whatever they made of it."""
    window = Query.objects.filter(application=application, pk__gte=first_id(begin), pk__lt=first_id(end))
    if window.filter(labelled=False, decision__route__in=ASKED_A_STUDENT).exists():
        return audit_shares(policy_of(application))
    return ALL_KNOWN


def _reported(window: QuerySet[Query], report: Report) -> Iterator[Query]:
    for number, query in enumerate(window[:LOOKED_AT].iterator(chunk_size=BATCH)):
        if number % BATCH == 0:
            report("Reading the traffic", number / LOOKED_AT, f"{number:,} queries looked at")
        yield query


def _usable(students: Sequence[Student], queries: Iterator[Query], shares: AuditShares) -> Iterator[Query]:
    """Those that measure, and whose answer a student can be held against: of functions as it learned them, and as the
    teacher still answers."""
    application = students[0].application
    policy, tools = policy_of(application), students[0].tool_set.tool_set
    known = [OlderTools(application, student.tool_set) for student in students]
    outdated = {function: first_id(moment) for function, moment in changed_functions(application).items()}
    for query in queries:
        holds = measures(query, shares) and all(one.still_hold(query) for one in known)
        if holds and query.pk >= outdated.get(query.function, query.pk) and is_usable(query, tools, policy):
            yield query


def _approved(queries: Sequence[Query]) -> set[int]:
    """The approved clusters that they lie in."""
    clusters = {query.cluster_id for query in queries}  # type: ignore[attr-defined]
    return set(Cluster.objects.filter(pk__in=clusters, status=ClusterStatus.APPROVED).values_list("pk", flat=True))
