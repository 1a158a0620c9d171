"""The audit trail: every decision of a person or the policy in one list, the newest first.

Each source is read by its own index for no more rows than a page shows, and the sources are merged.
"""

from __future__ import annotations

import heapq
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from asgiref.sync import sync_to_async
from django.db.models import Q, QuerySet

from curation.models import Application
from curation.selectors.people import COMMAND
from training.selectors.trail_events import Event, dataset_events
from training.selectors.trail_sources import SOURCES, Source

PER_PAGE = 50
CHUNK = 1000
POLICY = "policy"
KINDS = {source.kind: source.kind.capitalize() for source in SOURCES} | {"datasets": "Datasets"}


class Cursor(NamedTuple):
    """The place of an event in the list: its time, its source, its row."""

    at: datetime
    source: str
    pk: int

    def __str__(self) -> str:
        return f"{self.at.isoformat()}~{self.source}~{self.pk}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is shown. `person` is a username, `POLICY`, or empty: everybody; `until` is not included."""

    kind: str = ""
    person: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    events: list[Event]
    older: Cursor | None


def read_cursor(text: str) -> Cursor | None:
    """The place that stands in an address; None if it is none."""
    at, _, rest = text.partition("~")
    source, _, pk = rest.partition("~")
    try:
        moment = datetime.fromisoformat(at)
        return Cursor(moment, source, int(pk)) if moment.tzinfo and abs(int(pk)) < 2**62 else None
    except ValueError:
        return None


def trail_page(application: Application, wanted: Wanted, after: Cursor | None = None, size: int = PER_PAGE) -> Page:
    """The events after a place in the list."""
    found = list(islice(_merged(application, wanted, after, size + 1), size + 1))
    shown = found[:size]
    return Page(shown, _place(shown[-1]) if len(found) > size else None)


async def trail(application: Application, wanted: Wanted) -> AsyncIterator[Event]:
    """All events, read in pages, so that no transaction stays open."""
    after: Cursor | None = None
    while True:
        page = await sync_to_async(trail_page)(application, wanted, after, CHUNK)
        for event in page.events:
            yield event
        if page.older is None:
            return
        after = page.older


def _place(event: Event) -> Cursor:
    return Cursor(event.at, event.source, event.pk)


def _merged(application: Application, wanted: Wanted, after: Cursor | None, size: int) -> Iterator[Event]:
    streams: list[Iterable[Event]] = [
        _read(source, application, wanted, after, size)
        for source in SOURCES
        if wanted.kind in ("", source.kind) and (source.user or wanted.person in ("", POLICY))
    ]
    if wanted.kind in ("", "datasets"):
        streams.append(_of_datasets(application, wanted, after))
    return heapq.merge(*streams, key=_place, reverse=True)


def _read(source: Source, application: Application, wanted: Wanted, after: Cursor | None, size: int) -> list[Event]:
    rows = source.rows(application)
    if wanted.person == POLICY:
        nobody = Q(**{f"{source.user}__isnull": True}) | Q(**{f"{source.user}__username": COMMAND})
        rows = rows.filter(nobody) if source.user else rows
    elif wanted.person:
        rows = rows.filter(**{f"{source.user}__username": wanted.person})
    if wanted.since:
        rows = rows.filter(**{f"{source.time}__gte": wanted.since})
    if wanted.until:
        rows = rows.filter(**{f"{source.time}__lt": wanted.until})
    if after:
        rows = _after(rows, source, after)
    return [source.event(row) for row in rows.order_by(f"-{source.time}", "-pk")[:size]]


def _after(rows: QuerySet[Any], source: Source, after: Cursor) -> QuerySet[Any]:
    rows = rows.filter(**{f"{source.time}__lte": after.at})  # alone, for the index
    if source.name < after.source:
        return rows
    earlier = Q(**{f"{source.time}__lt": after.at})
    return rows.filter(earlier | Q(pk__lt=after.pk) if source.name == after.source else earlier)


def _of_datasets(application: Application, wanted: Wanted, after: Cursor | None) -> list[Event]:
    """What was decided on datasets stands in their rows: they are few, so all of it is read."""
    passes: list[Callable[[Event], bool]] = [
        lambda event: wanted.person in ("", event.who or POLICY),
        lambda event: wanted.since is None or event.at >= wanted.since,
        lambda event: wanted.until is None or event.at < wanted.until,
        lambda event: after is None or _place(event) < after,
    ]
    events = (event for event in dataset_events(application) if all(check(event) for check in passes))
    return sorted(events, key=_place, reverse=True)
