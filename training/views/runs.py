"""Runs: list, start, one run with its live progress, cancel, resume."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from curation.models import Application
from curation.models.jobs import JobState, Trigger
from curation.views.access import requires, with_application
from curation.views.answers import answer, errors_as_messages, is_fragment
from training.forms.runs import RunForm
from training.models import DistillationRun
from training.selectors import runs as selectors
from training.selectors.figures import NO_FIGURES
from training.selectors.training_curves import training_curves
from training.services.runs import run_cancel
from training.starting import start_again, start_run
from training.students.memory import GPU_MEMORY, MEMORY
from training.views.addresses import number, without


@require_GET
@requires("read")
@with_application
def run_list(request: HttpRequest, application: Application) -> HttpResponse:
    dataset, before = number(request, "dataset"), number(request, "before")
    page = selectors.runs_page(application, dataset=dataset, before=before)
    context = {
        "page": page,
        "rows": [(run, selectors.duration(run.job)) for run in page.rows],
        "dataset": application.datasets.filter(pk=dataset).first() if dataset else None,
        "paged": before,
        "rest": without(request, "before"),
        "under_way": any(not run.job.ended for run in page.rows),
        "can_start": application.datasets.filter(status="approved").exists(),
        "no_figures": NO_FIGURES,
    }
    return answer(request, "training/runs.html", "list", context)


@require_http_methods(["GET", "POST"])
@requires("approve")
@with_application
def run_start(request: HttpRequest, application: Application) -> HttpResponse:
    """The form of a run; `?from=` fills it with an earlier run's settings, `?dataset=` chooses the dataset.

    For htmx only what the settings in the address have otherwise than the earlier run's.
    """
    earlier = _earlier(request, application)
    if is_fragment(request) and request.method == "GET":
        form = RunForm(application, request.GET)
        return answer(request, "training/run_start.html", "differences", {"changes": form.changes_from(earlier)})
    initial = RunForm.initial_of(earlier) if earlier else {"dataset": request.GET.get("dataset")}
    form = RunForm(application, request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        with errors_as_messages(request):
            run = start_run(
                dataset=form.cleaned_data["dataset"],
                family=form.cleaned_data["family"],
                config=form.config(),
                trigger=Trigger.PAGE,
                user=request.user,  # type: ignore[arg-type]
                based_on=earlier,
            )
            return _to_the_run(request, run)
    latest = selectors.latest_done(application)
    context = {
        "form": form,
        "earlier": earlier,
        "changes": form.changes_from(earlier),
        "latest": latest,
        "took": selectors.duration(latest.job) if latest else None,
    }
    return render(request, "training/run_start.html", context)


@require_GET
@requires("read")
@with_application
def run_detail(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    """The page of a run, or for htmx its progress alone."""
    run = _run(application, pk)
    earlier = run.based_on
    log, lines_before = selectors.log_end(run)
    context = {
        "run": run,
        "log": log,
        "lines_before": lines_before,
        "job": run.job,
        "duration": selectors.duration(run.job),
        "time_left": selectors.time_left(run.job),
        "memory": selectors.peak_memory(run, MEMORY),
        "gpu_memory": selectors.peak_memory(run, GPU_MEMORY),
        "figure": training_curves(run.curve),
        "evaluation": run.student.latest_evaluation if hasattr(run, "student") else None,
        "failed": run.job.state == JobState.FAILED,
    }
    if run.job.ended:
        context |= {
            "continuation": selectors.continuation_of(run),
            "can_resume": selectors.can_resume(run),
        }
    if not is_fragment(request):
        context["changes"] = _changes(earlier, run) if earlier else []
    return answer(request, "training/run.html", "progress", context)


@require_GET
@requires("read")
@with_application
def run_log(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    """The whole log as plain text."""
    return HttpResponse(_run(application, pk).log, content_type="text/plain; charset=utf-8")


@require_POST
@requires("approve")
@with_application
def run_stop(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    run = _run(application, pk)
    with errors_as_messages(request):
        job = run_cancel(run=run, user=request.user)  # type: ignore[arg-type]
        if job.state == JobState.CANCELLED:
            messages.info(request, f"Run {run.pk} is cancelled.")
        elif job.ended:
            messages.info(request, f"Run {run.pk} had ended already.")
        else:
            messages.info(request, f"Run {run.pk} was asked to stop; it does so within seconds.")
    return redirect("run", run.pk)


@require_POST
@requires("approve")
@with_application
def run_go_on(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    run = _run(application, pk)
    with errors_as_messages(request):
        resumed = start_again(run=run, trigger=Trigger.PAGE, user=request.user)  # type: ignore[arg-type]
        return _to_the_run(request, resumed)
    return redirect("run", run.pk)


def _to_the_run(request: HttpRequest, run: DistillationRun) -> HttpResponse:
    messages.success(request, f"Run {run.pk} waits for the trainer.")
    return redirect("run", run.pk)


def _run(application: Application, pk: int) -> DistillationRun:
    runs = DistillationRun.objects.select_related("job__started_by", "dataset", "student", "based_on__dataset")
    return get_object_or_404(runs.defer("based_on__curve", "based_on__log"), application=application, pk=pk)


def _earlier(request: HttpRequest, application: Application) -> DistillationRun | None:
    """The run that the form was filled from."""
    named = request.POST.get("from", request.GET.get("from", ""))
    return _run(application, int(named)) if named.isdecimal() and len(named) < 19 else None


def _changes(earlier: DistillationRun, run: DistillationRun) -> list[selectors.SettingChange]:
    return selectors.changes(selectors.settings_said(earlier), selectors.settings_said(run))
