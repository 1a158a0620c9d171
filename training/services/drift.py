"""Looks for drift: how the traffic of the last day differs from the traffic that was learned from.

The champion's traffic is the measure, since what differs from it the champion has not learned; where there is none, or
too little of it is kept, the week before is. A report raises an alarm where chance does not explain the difference.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from curation.identifiers import first_id, time_of
from curation.models import Application
from curation.services.jobs import Report
from training.models import DriftReport, Student, SwitchOff
from training.models.audits import WHOLE
from training.models.build_choices import BuildChoices
from training.models.promotions import AliasName
from training.selectors.aliases import aliases_of
from training.selectors.drift import (
    AuditedAnswer,
    Traffic,
    answered,
    audited_answers,
    audits_by_day,
)
from training.selectors.teacher_changes import changed_functions
from training.services.drift_alarms import (
    Alarm,
    disagreement_alarms,
    function_alarm,
    function_moves,
    teacher_alarms,
    unknown_alarm,
)
from training.services.drift_recognition import Recogniser
from training.services.policies import policy_of

WINDOW = timedelta(days=1)
WEEK = timedelta(days=7)
AUDITED_FOR = timedelta(days=14)
KEPT = 14 * 6
"""The newest reports of an application: two weeks of a look every four hours. Older ones tell nothing of now."""


@dataclass(frozen=True, slots=True)
class _Measure:
    """The traffic before, and what it is in words."""

    traffic: Traffic
    what: str


def drift_look(*, application: Application, report: Report, now: datetime | None = None) -> DriftReport:
    """Write a report about the last day before `now`. With too little traffic, it raises no alarm."""
    now = now or timezone.now()
    students = aliases_of(application)
    champion = students.get(AliasName.CHAMPION)
    report("Reading the traffic", 0.0)
    window = answered(application, now - WINDOW, now)
    measure = _measure(application, champion, now)
    row = DriftReport(application=application, window_from=window.begin, window_to=now, queries=window.queries)
    if window.enough:
        row.alarms = _compared(row, window, measure, report)
    report("Reading the audits", 0.9)
    audited = audited_answers(application, now - AUDITED_FOR)
    row.audits = _by_day(application, audited, now - AUDITED_FOR)
    if window.enough:
        row.alarms += _of_audits(application, list(students.values()), audited, now - WINDOW)
        learned_until = champion.dataset.created_at if champion else now - WINDOW
        row.alarms += teacher_alarms(changed_functions(application), learned_until)
    return _kept(row)


def _measure(application: Application, champion: Student | None, now: datetime) -> _Measure | None:
    """None where there is too little traffic before, too."""
    if champion is not None:
        choices = BuildChoices.from_json(champion.dataset.choices)
        learned = answered(application, choices.since, champion.dataset.created_at)
        if learned.enough:
            return _Measure(learned, f"the traffic that {champion} learned from")
    week = answered(application, now - WINDOW - WEEK, now - WINDOW)
    return _Measure(week, "the traffic of the week before") if week.enough else None


def _compared(row: DriftReport, window: Traffic, measure: _Measure | None, report: Report) -> list[Alarm]:
    """What the traffic itself says; the figures go into the report."""
    row.functions = function_moves(window.functions, measure.traffic.functions if measure else None)
    recogniser = Recogniser(row.application)
    alarms: list[Alarm] = []
    if recogniser.knows_anything:
        seen = recogniser.recognise(window, lambda done: report("Looking for what is unknown", 0.2 + 0.4 * done))
        row.unknown_share = seen.share if seen.looked_at else None
        if measure is not None:
            before = recogniser.recognise(
                measure.traffic, lambda done: report("Looking at the traffic before", 0.6 + 0.3 * done)
            )
            alarms = unknown_alarm(seen, before, measure.what)
    return alarms + (function_alarm(row.functions, measure.what) if measure else [])


def _of_audits(
    application: Application, students: list[Student], audited: list[AuditedAnswer], since: datetime
) -> list[Alarm]:
    """Of the students that meet the traffic."""
    versions, first = {student.version for student in students}, first_id(since)
    recent = [one for one in audited if one.student in versions and one.key >= first]
    off = SwitchOff.objects.filter(application=application, student__in=students, lifted_at=None)
    return disagreement_alarms(recent, policy_of(application), set(off.values_list("student__version", "function")))


def _by_day(application: Application, audited: list[AuditedAnswer], since: datetime) -> list[dict[str, Any]]:
    """By day (UTC) what audits saw of all inline answers, and of those of each function that were looked at."""
    seen, differed = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for day, whole in audits_by_day(application, since).items():
        seen[day.isoformat(), WHOLE], differed[day.isoformat(), WHOLE] = whole.judged, whole.disagreed
    for one in audited:
        place = (f"{time_of(one.key).astimezone(UTC):%Y-%m-%d}", one.function)
        seen[place] += 1
        differed[place] += not one.agrees
    return [
        {"day": day, "function": function, "audited": number, "disagreed": differed[day, function]}
        for (day, function), number in sorted(seen.items())
    ]


@transaction.atomic
def _kept(row: DriftReport) -> DriftReport:
    """Write it, in the place of the oldest that is beyond those kept."""
    row.save()
    reports = row.application.drift_reports
    oldest = reports.values_list("pk", flat=True)[KEPT - 1 : KEPT].first()
    if oldest is not None:
        reports.filter(pk__lt=oldest).delete()
    return row
