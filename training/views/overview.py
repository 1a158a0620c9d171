"""The overview: what ODIA does for the application now, and what needs a person."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from curation.models import Application, Teacher
from curation.models.traffic import Source
from curation.templatetags.odia import ms
from curation.views.access import requires, with_application
from training.models.promotions import AliasName
from training.selectors import overview as selectors
from training.selectors import overview_figures as figures
from training.selectors import waiting
from training.selectors.aliases import aliases_of
from training.selectors.autopilot import autopilot_of, last_done
from training.services.policies import policy_of
from training.views.waiting import what_waits

SPANS = (1, 7, 14, 30)
DEFAULT_SPAN = 14


@require_GET
@requires("read")
@with_application
def overview(request: HttpRequest, application: Application) -> HttpResponse:
    policy, aliases = policy_of(application), aliases_of(application)
    champion, challenger = aliases.get(AliasName.CHAMPION), aliases.get(AliasName.CHALLENGER)
    evaluation = waiting.evaluation_of(champion) if champion else None
    autopilot = autopilot_of(application)
    context = {
        "application": application,
        "spans": SPANS,
        "policy": policy,
        "champion": champion,
        "challenger": challenger,
        "evaluation": evaluation,
        "autopilot": autopilot,
        "last_action": last_done(application),
        "waiting": what_waits(application, policy, request.user, champion, challenger, evaluation, autopilot),  # type: ignore[arg-type]
        "switch_offs": waiting.switch_offs(application),
        "progress": waiting.progress_of(application) if champion is None else None,
        **_sums(application, _span(request), policy.epsilon),
    }
    return render(request, "training/overview.html", context)


def _sums(application: Application, days: int, allowed: float) -> dict[str, Any]:
    """What the hourly sums of the span say."""
    teacher = Teacher.objects.filter(application=application).first()
    span = selectors.span_of(application, days)
    totals = selectors.totals_of(span.sums, teacher)
    context = {
        "span": days,
        "since": f"{timezone.localtime(span.since):%Y-%m-%dT%H:%M}",
        "totals": totals,
        "change": _in_words(selectors.change(totals, selectors.totals_of(span.before, teacher)), days),
        "too_high": not totals.audits.too_few and (totals.audits.share or 0) > allowed,
    }
    if not totals.requests:
        return context
    periods = selectors.over_time(span, teacher)
    return context | {
        "routes": figures.routes_figure(span, periods, lambda route, at: _traffic(route, at, days)),
        "coverage": figures.coverage_figure(periods),
        "disagreement": figures.disagreement_figure([(at, one.audits) for at, one in periods], allowed),
        "audited_enough": any(not one.audits.too_few for _, one in periods),
        "latency": figures.latency_figure(periods),
    }


def _in_words(change: selectors.Change, days: int) -> dict[str, str]:
    """Each change as a sentence; empty where there is too little to compare."""
    before = "the day before" if days == 1 else f"the {days} days before"

    def words(difference: float | None, size: str) -> str:
        sign = "±" if not difference else "+" if difference > 0 else "−"
        return "" if difference is None else f"{sign}{size} against {before}"

    return {
        "coverage": words(change.coverage, f"{abs(change.coverage or 0) * 100:.1f} points"),
        "disagreement": words(change.disagreement, f"{abs(change.disagreement or 0) * 100:.2f} points"),
        "p50": words(change.p50, ms(abs(change.p50 or 0))),
    }


def _traffic(route: str, at: datetime, days: int) -> str:
    """The requests of a route, or the imported ones, in an hour or a day."""
    kind = {"source": route} if route == Source.IMPORT else {"source": Source.GATEWAY.value, "route": route}
    day = f"{at:%Y-%m-%d}"
    until = f"{at.replace(minute=59):%Y-%m-%dT%H:%M}"
    time = {"since": f"{at:%Y-%m-%dT%H:%M}", "until": until} if days == 1 else {"since": day, "until": day}
    return f"{reverse('traffic')}?{urlencode({**kind, **time})}"


def _span(request: HttpRequest) -> int:
    given = request.GET.get("days", "")
    return int(given) if given in map(str, SPANS) else DEFAULT_SPAN
