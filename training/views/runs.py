"""Runs: list, start, one run with its live progress, cancel."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from curation.models import Application
from curation.models.jobs import Trigger
from curation.services.jobs import job_hand_over
from curation.views.access import requires, with_application
from curation.views.answers import answer, errors_as_messages
from training import tasks
from training.forms.runs import RunForm
from training.models import DistillationRun
from training.selectors import runs as selectors
from training.selectors.figures import NO_FIGURES, training_curves
from training.services.runs import run_cancel, run_create


@require_GET
@requires("read")
@with_application
def run_list(request: HttpRequest, application: Application) -> HttpResponse:
    runs = selectors.runs_of(application)[: selectors.RUNS_SHOWN]
    rows = [(run, selectors.duration(run.job)) for run in runs]
    return render(request, "training/runs.html", {"rows": rows, "no_figures": NO_FIGURES})


@require_http_methods(["GET", "POST"])
@requires("approve")
@with_application
def run_start(request: HttpRequest, application: Application) -> HttpResponse:
    """The form of a run; `?from=` fills it with an earlier run's settings, `?dataset=` chooses the dataset."""
    data = request.POST if request.method == "POST" else None
    form = RunForm(application, data, initial=_initial(request, application))
    if form.is_valid():
        with errors_as_messages(request):
            run = run_create(
                dataset=form.cleaned_data["dataset"],
                family=form.cleaned_data["family"],
                config=form.config(),
                trigger=Trigger.PAGE,
                user=request.user,  # type: ignore[arg-type]
            )
            job_hand_over(job=run.job, send=lambda: tasks.distil.delay_on_commit(run.pk))  # type: ignore[attr-defined]
            messages.success(request, f"Run {run.pk} waits for the trainer.")
            return redirect("run", run.pk)
    return render(request, "training/run_start.html", {"form": form})


@require_GET
@requires("read")
@with_application
def run_detail(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    """The page of a run, or for htmx its progress alone."""
    run = _run(application, pk)
    context = {
        "run": run,
        "job": run.job,
        "duration": selectors.duration(run.job),
        "time_left": selectors.time_left(run.job),
        "figure": training_curves(run.curve),
    }
    return answer(request, "training/run.html", "progress", context)


@require_POST
@requires("approve")
@with_application
def run_stop(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    run = _run(application, pk)
    with errors_as_messages(request):
        run_cancel(run=run)
        messages.info(request, f"Run {run.pk} was asked to stop.")
    return redirect("run", run.pk)


def _run(application: Application, pk: int) -> DistillationRun:
    runs = DistillationRun.objects.select_related("job__started_by", "dataset", "student")
    return get_object_or_404(runs, application=application, pk=pk)


def _initial(request: HttpRequest, application: Application) -> dict[str, object]:
    earlier = request.GET.get("from", "")
    if earlier.isdigit():
        return RunForm.initial_of(_run(application, int(earlier)))
    return {"dataset": request.GET.get("dataset")}
