"""Several runs side by side."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from curation.models import Application
from curation.views.access import requires, with_application
from training.selectors import run_comparison as selectors
from training.selectors.training_curves import overlaid_curves
from training.views.addresses import LONGEST_KEY


@require_GET
@requires("read")
@with_application
def run_compare(request: HttpRequest, application: Application) -> HttpResponse:
    """The runs of `?runs=1,2,3`; the list's ticks, `?run=1&run=2`, are made such an address."""
    ticked = request.GET.getlist("run")
    if ticked:
        return redirect(f"{reverse('run_compare')}?runs={','.join(map(str, _keys(ticked)))}")
    keys = _keys(request.GET.get("runs", "").split(","))
    runs = selectors.compared_runs(application, keys)
    if len(runs) < 2:
        messages.error(request, f"Tick two to {selectors.MOST_RUNS} runs to compare them.")
        return redirect("runs")
    settings = selectors.compared_settings(runs)
    context = {
        "runs": runs,
        "left_out": len(keys) - len(runs),
        "most": selectors.MOST_RUNS,
        "differing": [setting for setting in settings if setting.differs],
        "alike": [setting for setting in settings if not setting.differs],
        "figures": selectors.compared_figures(runs),
        "figure": overlaid_curves(runs),
    }
    return render(request, "training/run_compare.html", context)


def _keys(named: list[str]) -> list[int]:
    return sorted({int(key) for key in named if key.isdecimal() and len(key) <= LONGEST_KEY})
