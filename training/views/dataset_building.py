"""The building of a dataset: begun with what was chosen, watched, cancelled."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect

from curation.models import Application, Job
from curation.models.jobs import JobKind, JobState, Trigger
from curation.services.jobs import job_cancel
from curation.tasks import start_job
from curation.views.access import requires, with_application
from curation.views.answers import answer, errors_as_messages, is_fragment
from training import tasks
from training.forms.building import BuildForm
from training.models import Dataset
from training.models.build_choices import BuildChoices
from training.selectors import datasets as selectors
from training.selectors.runs import duration, time_left


@require_POST
@requires("review")
@with_application
def dataset_new(request: HttpRequest, application: Application) -> HttpResponse:
    source = selectors.source_of(application)
    form = BuildForm(source.clusters if source else [], request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing was built: a choice does not fit. Look at the choices again.")
        return redirect("datasets")
    with errors_as_messages(request):
        job = start_job(
            task=tasks.build,
            application=application,
            kind=JobKind.BUILD,
            trigger=Trigger.PAGE,
            user=request.user,  # type: ignore[arg-type]
            parameters=form.choices.as_json(),
        )
        return redirect("dataset_build", job.pk)
    return redirect("datasets")


@require_GET
@requires("read")
@with_application
def dataset_build(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    """How far a build is, and what came of it; who waits for it is taken to the dataset."""
    job = _job(application, pk)
    dataset = Dataset.objects.filter(application=application, pk=job.result.get("dataset")).first()
    if dataset and is_fragment(request):
        return _to_the_dataset(request, dataset, existed=job.result["existed"])
    choices = BuildChoices.from_json(job.parameters)
    context = {
        "job": job,
        "dataset": dataset,
        "duration": duration(job),
        "time_left": time_left(job),
        "choices": selectors.choices_in_words(choices),
        "again": selectors.choices_address(choices),
        "failed": job.state == JobState.FAILED,
    }
    return answer(request, "training/dataset_build.html", "progress", context)


@require_POST
@requires("review")
@with_application
def dataset_build_stop(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    job_cancel(job=_job(application, pk), user=request.user)  # type: ignore[arg-type]
    return redirect("dataset_build", pk)


def _job(application: Application, pk: int) -> Job:
    jobs = Job.objects.select_related("started_by")
    return get_object_or_404(jobs, application=application, kind=JobKind.BUILD, pk=pk)


def _to_the_dataset(request: HttpRequest, dataset: Dataset, *, existed: bool) -> HttpResponse:
    if existed:
        messages.info(request, f"Nothing new was built: dataset {dataset.version} holds exactly these examples.")
    else:
        messages.success(request, f"Dataset {dataset.version} is built. Look at its examples, then approve it.")
    return HttpResponseClientRedirect(reverse("dataset", args=[dataset.pk]))
