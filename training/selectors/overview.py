"""What ODIA does for an application: figures from the hourly sums, and what waits for a person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils import timezone

from curation.models import Application, Cluster, TrafficHour
from curation.models.clusters import ClusterStatus
from curation.models.traffic import INLINE_ROUTES, Route, Source
from curation.selectors.histogram import merge, quantile
from training.models import Dataset, Evaluation, Student, SwitchOff
from training.models.datasets import DatasetStatus
from training.students.certification import upper_bound

LEAST_AUDITED = 30


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds; None where nothing was measured."""

    mean: float | None
    p50: float | None
    p90: float | None


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of some hours.

    `gateway` counts the requests that the gateway answered, `inline` those of them that the teacher did not have to.
    `bound` is the upper 95% Clopper-Pearson bound on the disagreement. `money` is what the saved calls would have
    cost at the teacher's prices and its mean tokens.
    """

    requests: int
    gateway: int
    inline: int
    audited: int
    disagreed: int
    with_odia: Latency
    without: Latency
    money: float

    @property
    def coverage(self) -> float | None:
        return self.inline / self.gateway if self.gateway else None

    @property
    def disagreement(self) -> float | None:
        return self.disagreed / self.audited if self.audited else None

    @property
    def bound(self) -> float | None:
        return upper_bound(self.disagreed, self.audited) if self.audited else None

    @property
    def too_few_audits(self) -> bool:
        return self.audited < LEAST_AUDITED


def hours_of(application: Application, days: int) -> list[TrafficHour]:
    since = timezone.now() - timedelta(days=days)
    return list(TrafficHour.objects.filter(application=application, hour__gte=since).order_by("hour"))


def totals_of(hours: Iterable[TrafficHour], application: Application) -> Totals:
    """`with_odia` is over all requests at the gateway, `without` over those that went to the teacher and no student's
    answer was refused before."""
    rows = list(hours)
    gateway = [row for row in rows if row.source == Source.GATEWAY]
    inline = [row for row in gateway if row.route in INLINE_ROUTES]
    teacher = [row for row in rows if row.route == Route.TEACHER]
    saved = sum(row.requests for row in inline)
    return Totals(
        requests=sum(row.requests for row in rows),
        gateway=sum(row.requests for row in gateway),
        inline=saved,
        audited=sum(row.audited for row in inline),
        disagreed=sum(row.disagreed for row in inline),
        with_odia=_latency(gateway),
        without=_latency(teacher),
        money=saved * _price_of_a_call(application, teacher),
    )


def _latency(rows: list[TrafficHour]) -> Latency:
    counts = merge(row.latency_counts for row in rows)
    measured = sum(counts.values())
    mean = sum(row.latency_sum_ms for row in rows) / measured if measured else None
    return Latency(mean, quantile(counts, 0.5), quantile(counts, 0.9))


def _price_of_a_call(application: Application, teacher_rows: list[TrafficHour]) -> float:
    calls = sum(row.requests for row in teacher_rows)
    teacher = getattr(application, "teacher", None)
    if teacher is None or not calls:
        return 0.0
    tokens_in = sum(row.prompt_tokens for row in teacher_rows) / calls
    tokens_out = sum(row.completion_tokens for row in teacher_rows) / calls
    return (tokens_in * float(teacher.input_price) + tokens_out * float(teacher.output_price)) / 1_000_000


def by_day(hours: Iterable[TrafficHour], application: Application) -> list[tuple[date, Totals]]:
    days: dict[date, list[TrafficHour]] = defaultdict(list)
    for row in hours:
        days[timezone.localtime(row.hour).date()].append(row)
    return [(day, totals_of(rows, application)) for day, rows in sorted(days.items())]


def routes_figure(hours: Iterable[TrafficHour]) -> dict[str, Any]:
    """Requests of each day by route, imported ones apart, for Plotly."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in hours:
        name = row.route if row.source == Source.GATEWAY else Source.IMPORT
        counts[name][timezone.localtime(row.hour).date().isoformat()] += row.requests
    colours = {
        Route.MEMO: "--good",
        Route.STUDENT: "--accent",
        Route.FALLBACK: "--warn",
        Route.TEACHER: "--line-strong",
        Source.IMPORT: "--line",
    }
    traces = [
        {
            "type": "bar",
            "name": "Imported" if name == Source.IMPORT else Route(name).label,
            "x": list(counts[name]),
            "y": list(counts[name].values()),
            "marker": {"color": colour},
        }
        for name, colour in colours.items()
        if name in counts
    ]
    return {"data": traces, "layout": {"barmode": "stack", "yaxis": {"rangemode": "tozero"}}}


def shares_figure(days: list[tuple[date, Totals]]) -> dict[str, Any]:
    """Coverage and disagreement of each day."""
    traces = [
        _line("coverage", [(day, one.coverage) for day, one in days], "--accent"),
        _line("disagreement", [(day, one.disagreement) for day, one in days], "--bad"),
    ]
    return {"data": traces, "layout": {"yaxis": {"tickformat": ".0%", "range": [0, 1.02]}}}


def latency_figure(days: list[tuple[date, Totals]]) -> dict[str, Any]:
    """Mean and median with ODIA, beside the teacher's."""
    traces = [
        _line("ODIA, mean", [(day, one.with_odia.mean) for day, one in days], "--accent"),
        _line("ODIA, median", [(day, one.with_odia.p50) for day, one in days], "--accent", "dot"),
        _line("teacher, mean", [(day, one.without.mean) for day, one in days], "--muted"),
        _line("teacher, median", [(day, one.without.p50) for day, one in days], "--muted", "dot"),
    ]
    known = [trace for trace in traces if any(value is not None for value in trace["y"])]
    return {"data": known, "layout": {"yaxis": {"rangemode": "tozero", "ticksuffix": " ms"}}}


def _line(name: str, points: list[tuple[date, float | None]], colour: str, dash: str = "solid") -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": [day.isoformat() for day, _ in points],
        "y": [value for _, value in points],
        "line": {"color": colour, "dash": dash, "width": 2},
        "marker": {"color": colour, "size": 5},
    }


def clusters_to_decide(application: Application) -> list[Cluster]:
    """The undecided clusters in force that would save the most."""
    rows = Cluster.objects.filter(clustering=application.clusterings.first(), status=ClusterStatus.PROPOSED)
    return list(rows.exclude(function="").only("name", "share", "saved_ms", "saved_calls", "simplicity")[:3])


def drafts(application: Application) -> list[Dataset]:
    return list(application.datasets.filter(status=DatasetStatus.DRAFT)[:3])


def evaluation_of(student: Student) -> Evaluation | None:
    return student.evaluations.order_by("-id").defer("curve", "per_function").first()


def successor_of(application: Application, champion: Student | None) -> Student | None:
    """The newest student, if it came after the champion."""
    newest = application.students.select_related("application", "tool_set", "dataset").first()
    return newest if newest and (champion is None or newest.pk > champion.pk) else None


def switch_offs(application: Application) -> list[SwitchOff]:
    """What audits keep out of service, of the students that meet traffic."""
    rows = SwitchOff.objects.filter(application=application, lifted_at=None, student__aliases__isnull=False)
    return list(rows.select_related("student"))
