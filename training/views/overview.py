"""The overview: what ODIA does for the application now, and what needs a person."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from curation.models import Application
from curation.selectors.jobs import failed_since
from curation.views.access import requires, with_application
from training.models import Student
from training.selectors import overview as selectors
from training.selectors.aliases import challenger_of, champion_of
from training.selectors.tool_changes import tool_changes
from training.services.checks import promotion_checks
from training.services.policies import policy_of

SPANS = (1, 7, 14, 30)
DEFAULT_SPAN = 14


@require_GET
@requires("read")
@with_application
def overview(request: HttpRequest, application: Application) -> HttpResponse:
    span = _span(request)
    hours = selectors.hours_of(application, span)
    days = selectors.by_day(hours, application)
    champion = champion_of(application)
    context = {
        "application": application,
        "span": span,
        "spans": SPANS,
        "totals": selectors.totals_of(hours, application),
        "policy": policy_of(application),
        "routes": selectors.routes_figure(hours),
        "shares": selectors.shares_figure(days),
        "latency": selectors.latency_figure(days),
        "champion": champion,
        "evaluation": selectors.evaluation_of(champion) if champion else None,
        "clusters": selectors.clusters_to_decide(application),
        "drafts": selectors.drafts(application),
        "ready": _ready(application, champion),
        "failed": failed_since(application, days=7),
        "challenger": challenger_of(application),
        "switch_offs": selectors.switch_offs(application),
        "tool_changes": tool_changes(application, champion),
    }
    return render(request, "training/overview.html", context)


def _span(request: HttpRequest) -> int:
    given = request.GET.get("days", "")
    return int(given) if given in map(str, SPANS) else DEFAULT_SPAN


def _ready(application: Application, champion: Student | None) -> Student | None:
    """The newest student, if it could take the champion's place at once."""
    student = selectors.successor_of(application, champion)
    if student and all(check.passed for check in promotion_checks(student=student)):
        return student
    return None
