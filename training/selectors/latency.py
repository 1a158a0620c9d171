"""What the whole system's latency would be at each coverage."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol, TypeVar

from curation.models import Application, TrafficHour
from curation.models.traffic import Route
from curation.selectors.histogram import merge, middle_of

LEAST_MEASURED = 50
HOURS_LOOKED_AT = 1000
TEACHER_ROUTES = (Route.TEACHER, Route.FALLBACK)


@dataclass(frozen=True, slots=True)
class Latency:
    """Mean, median and 90th percentile, in milliseconds."""

    mean: float
    p50: float
    p90: float


class SystemLatency:
    """A student of `student_ms` before a teacher whose latencies are counted in histogram buckets.

    What is covered costs the student's time; what is not costs the student's and then the teacher's.
    """

    def __init__(self, teacher: Mapping[int, int], student_ms: float) -> None:
        buckets = sorted(bucket for bucket, count in teacher.items() if count)
        self._latencies = [middle_of(bucket) for bucket in buckets]
        self._below = list(accumulate(teacher[bucket] for bucket in buckets))
        self._student_ms = student_ms
        times = zip(self._latencies, buckets, strict=True)
        self._mean = sum(ms * teacher[bucket] for ms, bucket in times) / self._below[-1]

    def at(self, coverage: float) -> Latency:
        mean = self._student_ms + (1 - coverage) * self._mean
        return Latency(mean, self._quantile(0.5, coverage), self._quantile(0.9, coverage))

    def _quantile(self, q: float, coverage: float) -> float:
        if q <= coverage:
            return self._student_ms
        rank = (q - coverage) / (1 - coverage) * self._below[-1]
        place = min(bisect_left(self._below, rank), len(self._latencies) - 1)
        return self._student_ms + self._latencies[place]


def teacher_latencies(application: Application) -> dict[int, int]:
    """Latency buckets of the teacher's answers in the newest hours with any.

    Where hardly any request went straight to the teacher, those that fell back to it count too, with the few
    milliseconds that the student's refusal took.
    """
    hours = TrafficHour.objects.filter(application=application, route__in=TEACHER_ROUTES)
    newest = hours.order_by("-hour").only("route", "latency_counts")[:HOURS_LOOKED_AT]
    return merge(row.latency_counts for row in of_teacher(newest))


class Measured(Protocol):
    """Sums of the latencies of a route, in histogram buckets."""

    @property
    def route(self) -> str: ...
    @property
    def latency_counts(self) -> dict[str, int]: ...


Rows = TypeVar("Rows", bound=Measured)


def of_teacher(hours: Iterable[Rows]) -> list[Rows]:
    """The rows that measure the teacher (see `teacher_latencies`)."""
    rows = [row for row in hours if row.route in TEACHER_ROUTES]
    alone = [row for row in rows if row.route == Route.TEACHER]
    measured = sum(sum(row.latency_counts.values()) for row in alone)
    return alone if measured >= LEAST_MEASURED else rows
