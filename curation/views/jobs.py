"""The jobs: what the workers do now and did before."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from curation import tasks
from curation.models import Application, Job
from curation.models.jobs import JobKind, Trigger
from curation.selectors import jobs as selectors
from curation.services.jobs import job_cancel, job_create, job_hand_over
from curation.views.access import requires, with_application
from curation.views.answers import answer, errors_as_messages


@require_GET
@requires("read")
@with_application
def jobs(request: HttpRequest, application: Application) -> HttpResponse:
    """The list; it asks for itself every two seconds as long as a job on it is under way."""
    before = request.GET.get("before", "")
    page = selectors.jobs_of(application, int(before) if before.isdecimal() else None)
    context = {
        "page": page,
        "durations": [(job, selectors.duration(job)) for job in page.rows],
        "older": f"{reverse('jobs')}?before={page.rows[-1].pk}" if page.has_older else "",
        "newer": reverse("jobs") if before else "",
    }
    return answer(request, "curation/jobs.html", "list", context)


@require_POST
@requires("review")
@with_application
def start(request: HttpRequest, application: Application) -> HttpResponse:
    """Start clustering; the other jobs are started where their input is chosen."""
    with errors_as_messages(request):
        job = job_create(
            application=application,
            kind=JobKind.CLUSTER,
            trigger=Trigger.PAGE,
            user=request.user,  # type: ignore[arg-type]
        )
        job_hand_over(job=job, send=lambda: tasks.cluster.delay_on_commit(job.pk))  # type: ignore[attr-defined]
        messages.success(request, "Clustering waits for a worker; it starts in a moment.")
    return redirect("jobs")


@require_POST
@requires("approve")
@with_application
def cancel(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    job = job_cancel(job=get_object_or_404(Job, application=application, pk=pk))
    messages.success(request, f"{job.get_kind_display()}: {'stopped' if job.ended else 'it will stop shortly'}.")
    return redirect("jobs")
