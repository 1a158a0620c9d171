"""What ODIA does for an application: figures from the hourly sums."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cache
from operator import add
from typing import Any

from django.utils import timezone

from curation.models import Application, Teacher, TrafficHour
from curation.models.traffic import INLINE_ROUTES, Route, Source
from curation.selectors.histogram import merge, quantile
from training.selectors.latency import of_teacher
from training.selectors.shares import Disagreement

LEAST_REQUESTS = 50
"""Requests below which a share or a latency says nothing."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds over `measured` answers; None where nothing was measured."""

    measured: int
    mean: float | None
    p50: float | None
    p90: float | None


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of some time.

    `gateway` counts the requests that the gateway answered, `inline` those of them that the teacher did not have to.
    `money` is what the saved calls would have cost at the teacher's prices and its mean tokens.
    """

    requests: int
    gateway: int
    inline: int
    audits: Disagreement
    with_odia: Latency
    without: Latency
    money: float

    @property
    def coverage(self) -> float | None:
        return self.inline / self.gateway if self.gateway else None

    @property
    def too_few(self) -> bool:
        return self.gateway < LEAST_REQUESTS


@dataclass(frozen=True, slots=True)
class Change:
    """From one span to the next, as differences; None where either span has too little to compare."""

    coverage: float | None
    disagreement: float | None
    p50: float | None


@dataclass(frozen=True, slots=True)
class Sums:
    """The sums of a period on one route, as `TrafficHour` keeps them for an hour."""

    period: datetime
    route: str
    source: str
    latency_counts: dict[str, int]
    requests: int
    latency_sum_ms: float
    picked: int
    picked_disagreed: int
    prompt_tokens: int
    completion_tokens: int


_SUMMED = ("requests", "latency_sum_ms", "picked", "picked_disagreed", "prompt_tokens", "completion_tokens")


@dataclass(frozen=True, slots=True)
class Span:
    """The last `days` days by day, or a single one by hour, and as many days before as one period."""

    days: int
    since: datetime
    sums: list[Sums]
    before: list[Sums]


def span_of(application: Application, days: int) -> Span:
    """One read of the hourly sums for both, added up in one pass: there may be thousands."""
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    since = now - timedelta(days=days)
    hours = TrafficHour.objects.filter(application=application, hour__gte=since - timedelta(days=days))
    period_of = cache(lambda hour: in_period(hour, days) if hour >= since else since)
    found: dict[tuple[bool, datetime, str, str], tuple[list[Any], dict[str, int]]] = {}
    for hour, route, source, counts, *numbers in hours.values_list(
        "hour", "route", "source", "latency_counts", *_SUMMED
    ).order_by("hour"):
        key = (hour >= since, period_of(hour), route, source)
        if key not in found:
            found[key] = (numbers, counts)
            continue
        total, merged = found[key]
        total[:] = map(add, total, numbers)
        for bucket, count in counts.items():
            merged[bucket] = merged.get(bucket, 0) + count
    sums = {key: Sums(*key[1:], counts, *numbers) for key, (numbers, counts) in found.items()}
    within, before = ([one for key, one in sums.items() if key[0] is side] for side in (True, False))
    return Span(days, since, within, before)


def totals_of(sums: Iterable[Sums], teacher: Teacher | None) -> Totals:
    """`with_odia` is over all requests at the gateway, `without` over those that the teacher answered."""
    rows = list(sums)
    gateway = [row for row in rows if row.source == Source.GATEWAY]
    inline = [row for row in gateway if row.route in INLINE_ROUTES]
    to_teacher = [row for row in rows if row.route == Route.TEACHER]
    saved = sum(row.requests for row in inline)
    return Totals(
        requests=sum(row.requests for row in rows),
        gateway=sum(row.requests for row in gateway),
        inline=saved,
        audits=Disagreement(sum(row.picked for row in inline), sum(row.picked_disagreed for row in inline)),
        with_odia=_latency(gateway),
        without=_latency(of_teacher(rows)),
        money=saved * _price_of_a_call(teacher, to_teacher),
    )


def change(now: Totals, before: Totals) -> Change:
    enough = not (now.too_few or before.too_few)
    audited = not (now.audits.too_few or before.audits.too_few)
    measured = min(now.with_odia.measured, before.with_odia.measured) >= LEAST_REQUESTS
    return Change(
        coverage=_difference(now.coverage, before.coverage) if enough else None,
        disagreement=_difference(now.audits.share, before.audits.share) if audited else None,
        p50=_difference(now.with_odia.p50, before.with_odia.p50) if measured else None,
    )


def in_period(moment: datetime, days: int) -> datetime:
    """The beginning of the hour, in a span of one day, or else of the day that it belongs to, in the viewer's zone."""
    local = timezone.localtime(moment)
    if days == 1:
        return local.replace(minute=0, second=0, microsecond=0)
    return timezone.make_aware(datetime.combine(local.date(), time.min))


def over_time(span: Span, teacher: Teacher | None) -> list[tuple[datetime, Totals]]:
    """Each day of the span, or each hour of a single day, in the viewer's zone; also those without traffic."""
    step = timedelta(hours=1) if span.days == 1 else timedelta(hours=26)  # a day may have 25 hours
    rows: dict[datetime, list[Sums]] = defaultdict(list)
    for row in span.sums:
        rows[row.period].append(row)
    at, periods = in_period(span.since, span.days), []
    while at <= timezone.localtime():
        periods.append((at, totals_of(rows[at], teacher)))
        at = in_period(at + step, span.days)
    return periods


def _difference(now: float | None, before: float | None) -> float | None:
    return None if now is None or before is None else now - before


def _latency(rows: list[Sums]) -> Latency:
    counts = merge(row.latency_counts for row in rows)
    measured = sum(counts.values())
    mean = sum(row.latency_sum_ms for row in rows) / measured if measured else None
    return Latency(measured, mean, quantile(counts, 0.5), quantile(counts, 0.9))


def _price_of_a_call(teacher: Teacher | None, rows: list[Sums]) -> float:
    calls = sum(row.requests for row in rows)
    if teacher is None or not calls:
        return 0.0
    tokens_in = sum(row.prompt_tokens for row in rows) / calls
    tokens_out = sum(row.completion_tokens for row in rows) / calls
    return (tokens_in * float(teacher.input_price) + tokens_out * float(teacher.output_price)) / 1_000_000
