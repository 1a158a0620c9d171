"""Drift: how the traffic of late differs from what was learned from, what to do about it, and earlier looks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from curation.models import Application
from curation.models.jobs import JobKind, Trigger
from curation.views.access import requires, with_application
from curation.views.answers import errors_as_messages
from training.models import DriftReport
from training.selectors import drift as selectors
from training.selectors.aliases import champion_of
from training.selectors.autopilot import autopilot_of
from training.selectors.overview_figures import disagreement_figure
from training.services.policies import policy_of
from training.tasks import start_drift
from training.views.addresses import number

TO_DO = {
    "unknown": "Cluster the new traffic",
    "function_share": "Learn from the traffic as it is now",
    "disagreement": "Look at answers that differ",
    "teacher_changed": "Learn the teacher’s new answers",
}
"""What a person does about each kind of alarm."""


@require_GET
@requires("read")
@with_application
def newest(request: HttpRequest, application: Application) -> HttpResponse:
    """The newest report; earlier ones are listed below it, those before the key `before` if it is given."""
    return _page(request, application, selectors.newest_report(application))


@require_GET
@requires("read")
@with_application
def one(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    return _page(request, application, get_object_or_404(DriftReport, application=application, pk=pk))


@require_POST
@requires("review")
@with_application
def look(request: HttpRequest, application: Application) -> HttpResponse:
    """Have the traffic looked at now."""
    with errors_as_messages(request):
        job = start_drift(application=application, trigger=Trigger.PAGE, user=request.user)  # type: ignore[arg-type]
        messages.success(request, f"Job {job.pk} looks at the traffic. Its report appears here when it is done.")
    return redirect("drift")


def _page(request: HttpRequest, application: Application, report: DriftReport | None) -> HttpResponse:
    before = number(request, "before")
    page = selectors.reports_page(application, before)
    context = {
        "report": report,
        "look": application.jobs.filter(kind=JobKind.DRIFT).first(),
        "page": page,
        "older": f"{request.path}?before={page.before}#looks" if page.before else "",
        "newer": f"{request.path}#looks" if before else "",
        "least": selectors.LEAST_QUERIES,
    }
    if report is not None:
        context |= _shown(application, report)
    return render(request, "training/drift.html", context)


def _shown(application: Application, report: DriftReport) -> dict[str, Any]:
    policy = policy_of(application)
    days = selectors.days_of(report)
    return {
        "is_newest": report == selectors.newest_report(application),
        "autopilot": autopilot_of(application),
        "champion": champion_of(application),
        "alarms": [{**alarm, "title": TO_DO[alarm["kind"]]} for alarm in report.alarms],
        "examples": selectors.examples_of(application, report.alarms),
        "compared": any(row["before"] is not None for row in report.functions),
        "functions": [{**row, "points": _points(row)} for row in report.functions],
        "traffic": reverse("traffic"),
        "span": f"since={_minute(report.window_from)}&until={_minute(report.window_to)}",
        "days": days,
        "audited": selectors.functions_audited(report),
        "figure": disagreement_figure(days, policy.epsilon),
        "enough_audited": any(not audits.too_few for _, audits in days),
        "policy": policy,
    }


def _points(row: dict[str, Any]) -> str:
    """How far a function's share has moved, in points of percentage."""
    if row["before"] is None:
        return "–"
    move = 100 * (row["now"] - row["before"])
    return f"{'−' if move < 0 else '+'}{abs(move):.1f}"


def _minute(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%dT%H:%M}"
