"""Reads for drift: what was answered in some time, what audits saw of it, and the reports of looks for drift."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Case, F, Q, QuerySet, Sum, Value, When
from django.db.models.functions import TruncDate
from django.utils import timezone

from curation.identifiers import first_id, time_of
from curation.ml.traffic import SEVERAL
from curation.models import Application, Query, RouterDecision, TrafficHour
from curation.models.traffic import INLINE_ROUTES
from training.models import DriftReport
from training.models.audits import WHOLE
from training.selectors.shares import Disagreement

LOOKED_AT = 50_000
"""The newest queries, or inline answers of a route, of a time: older ones of it are left out."""
LEAST_QUERIES = 100
"""With fewer answered queries, nothing is said of a time."""
REPORTS_PER_PAGE = 24
STANDS_FOR = timedelta(days=7)

_CALLED = Case(
    When(labelled=True, several_calls=True, then=Value(SEVERAL)),
    When(labelled=True, then=F("function")),
    When(decision__route__in=INLINE_ROUTES, then=F("decision__function")),
)
"""The function of the call that was answered: of the reference call where there is one, or else of the student's."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """The answered queries of some time: how many call each function (see `curation.ml.traffic` for those that call
    none or several), and the keys of those without earlier turns. It begins where what was looked at begins."""

    begin: datetime
    functions: Counter[str]
    alone: list[UUID]

    @property
    def queries(self) -> int:
        return self.functions.total()

    @property
    def enough(self) -> bool:
        return self.queries >= LEAST_QUERIES


class AuditedAnswer(NamedTuple):
    """An inline answer that was held against the teacher's, by the key of its query."""

    key: UUID
    student: str
    function: str
    agrees: bool


class FunctionAudits(NamedTuple):
    """Of one function, over all days of a report and over the last of them."""

    function: str
    all_days: Disagreement
    last_day: Disagreement


@dataclass(frozen=True, slots=True)
class ReportsPage:
    """Some reports, the newest first; `before` continues the list, None at its end."""

    rows: list[DriftReport]
    before: int | None


def answered(application: Application, begin: datetime | None, end: datetime) -> Traffic:
    """What was answered from `begin` until `end`, as far as it is among the newest queries of that time."""
    queries = Query.objects.filter(application=application, excluded=False, pk__lt=first_id(end))
    if begin:
        queries = queries.filter(pk__gte=first_id(begin))
    rows = queries.annotate(called=_CALLED, is_alone=Q(context=[])).order_by("-id")
    functions: Counter[str] = Counter()
    alone, oldest, seen = [], None, 0
    for key, called, is_alone in rows.values_list("pk", "called", "is_alone")[:LOOKED_AT]:
        oldest, seen = key, seen + 1
        if called is not None:
            functions[called] += 1
            alone += [key] if is_alone else []
    whole = begin is not None and seen < LOOKED_AT
    return Traffic(begin if whole else time_of(oldest) if oldest else end, functions, alone)  # type: ignore[arg-type]


def with_news() -> QuerySet[Application]:
    """The applications with traffic since the window of their last report."""
    return Application.objects.filter(pk__in=[one.pk for one in Application.objects.all() if _has_news(one)])


def _has_news(application: Application) -> bool:
    newest = Query.objects.filter(application=application).order_by("-id").values_list("pk", flat=True).first()
    looked_until = application.drift_reports.values_list("window_to", flat=True).first()
    return newest is not None and (looked_until is None or time_of(newest) > looked_until)


def audited_answers(application: Application, since: datetime) -> list[AuditedAnswer]:
    """Those that were audited among the newest inline answers since a moment."""
    answers = RouterDecision.objects.filter(application=application, query__gte=first_id(since)).order_by("-query")
    rows = answers.values_list("query_id", "student", "function", "agrees")
    # Route by route, as the index goes.
    newest = [row for route in INLINE_ROUTES for row in rows.filter(route=route)[:LOOKED_AT]]
    return [
        AuditedAnswer(key, student, function, agrees) for key, student, function, agrees in newest if agrees is not None
    ]


def audits_by_day(application: Application, since: datetime) -> dict[date, Disagreement]:
    """What audits saw of the inline answers that chance picked, for each day (UTC) that had any."""
    hours = TrafficHour.objects.filter(
        application=application, hour__gte=since, route__in=INLINE_ROUTES, picked__gt=0
    ).annotate(day=TruncDate("hour", tzinfo=UTC))
    sums = hours.values("day").order_by("day").annotate(judged=Sum("picked"), differed=Sum("picked_disagreed"))
    return {row["day"]: Disagreement(row["judged"], row["differed"]) for row in sums}


def newest_report(application: Application) -> DriftReport | None:
    return application.drift_reports.first()


def standing_alarms(application: Application) -> list[dict[str, Any]]:
    """The alarms of the newest report, unless it has become old: then there was no traffic since."""
    recent = application.drift_reports.filter(created_at__gte=timezone.now() - STANDS_FOR)
    return recent.values_list("alarms", flat=True).first() or []


def reports_page(application: Application, before: int = 0) -> ReportsPage:
    """Those before the key `before`; 0 begins with the newest."""
    rows = application.drift_reports.defer("functions", "audits")
    found = list((rows.filter(pk__lt=before) if before else rows)[: REPORTS_PER_PAGE + 1])
    shown = found[:REPORTS_PER_PAGE]
    return ReportsPage(shown, shown[-1].pk if len(found) > REPORTS_PER_PAGE else None)


def days_of(report: DriftReport) -> list[tuple[datetime, Disagreement]]:
    """What audits saw of all inline answers on each day of two weeks, also where there were none; empty where there
    were none at all."""
    seen = {_day(row): _seen(row) for row in report.audits if row["function"] == WHOLE}
    if not seen:
        return []
    last = report.window_to.date()
    first = min(*seen, last - timedelta(days=13))
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return [(datetime(day.year, day.month, day.day, tzinfo=UTC), seen.get(day, Disagreement(0, 0))) for day in days]


def functions_audited(report: DriftReport) -> list[FunctionAudits]:
    """By function what the audits of a report say, the greatest share of disagreement first."""
    rows = [row for row in report.audits if row["function"] != WHOLE]
    last = max((_day(row) for row in rows), default=None)
    found = []
    for function in dict.fromkeys(row["function"] for row in rows):
        own = [row for row in rows if row["function"] == function]
        found.append(FunctionAudits(function, _sum(own), _sum([row for row in own if _day(row) == last])))
    return sorted(found, key=lambda one: (-(one.all_days.share or 0), one.function))


def examples_of(application: Application, alarms: Sequence[dict[str, Any]]) -> list[Query]:
    """The queries that alarms name as examples, as far as they are still kept."""
    keys = [key for alarm in alarms for key in alarm.get("queries", [])]
    return list(Query.objects.filter(application=application, pk__in=keys).defer("context").order_by("-id"))


def _day(row: dict[str, Any]) -> date:
    return date.fromisoformat(row["day"])


def _seen(row: dict[str, Any]) -> Disagreement:
    return Disagreement(row["audited"], row["disagreed"])


def _sum(rows: Sequence[dict[str, Any]]) -> Disagreement:
    return Disagreement(sum(row["audited"] for row in rows), sum(row["disagreed"] for row in rows))
