"""The jobs: what the workers do now and did before; started, started again, cancelled."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from curation import tasks
from curation.forms.jobs import JobFilter
from curation.models import Application, Job
from curation.models.jobs import JobState, Trigger
from curation.selectors import jobs as selectors
from curation.selectors.broker import broker_answers
from curation.services.jobs import job_cancel
from curation.views.access import REFUSALS, requires, with_application
from curation.views.answers import answer, errors_as_messages, is_fragment
from training.selectors.job_links import Made, made_by
from training.selectors.runs import time_left
from training.selectors.schedules import schedule_of
from training.starting import AGAIN, job_again, may_start, permission_to_start
from training.views.addresses import number, without


class Row(NamedTuple):
    """A job as its row of the list shows it."""

    job: Job
    duration: Any
    time_left: Any
    made: list[Made]
    may_repeat: bool
    may_cancel: bool


@require_GET
@requires("read")
@with_application
def jobs(request: HttpRequest, application: Application) -> HttpResponse:
    """The list; it asks for itself every two seconds as long as a job on it is under way, or the broker away."""
    wanted = JobFilter(request.GET)
    before = number(request, "before")
    page = selectors.jobs_of(application, before or None, **wanted.wanted())
    rest = without(request, "before")
    context = {
        "page": page,
        "rows": _rows(page.rows, request.user),  # type: ignore[arg-type]
        "filter": wanted,
        "filtered": any(wanted.wanted().values()),
        "older": f"{reverse('jobs')}?{rest}before={page.rows[-1].pk}" if page.has_older else "",
        "newer": f"{reverse('jobs')}?{rest}".rstrip("?&") if before else "",
        "under_way": selectors.jobs_under_way(application),
        "broker_answers": broker_answers(),
    }
    if not is_fragment(request):
        context["schedule"] = schedule_of(application)
    return answer(request, "training/jobs.html", "list", context)


@require_GET
@requires("read")
@with_application
def under_way(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    """How far a job is, for a page that waits for it; when it has ended, that page is loaded again."""
    job = get_object_or_404(application.jobs, pk=pk)
    if job.ended:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "training/_under_way.html", {"job": job})


@require_POST
@requires("review")
@with_application
def start(request: HttpRequest, application: Application) -> HttpResponse:
    """Start clustering; the other jobs are started where their input is chosen."""
    with errors_as_messages(request):
        tasks.start_clustering(application=application, trigger=Trigger.PAGE, user=request.user)  # type: ignore[arg-type]
        messages.success(request, "Clustering waits for a worker; it starts in a moment.")
    return redirect("jobs")


@require_POST
@requires("review")
@with_application
def again(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    """Start the same work once more."""
    job = _job(request, application, pk)
    with errors_as_messages(request):
        job_again(job=job, trigger=Trigger.PAGE, user=request.user)  # type: ignore[arg-type]
        messages.success(request, f"{job.get_kind_display()}: it waits for a worker again.")
    return redirect("jobs")


@require_POST
@requires("review")
@with_application
def cancel(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    job = job_cancel(job=_job(request, application, pk), user=request.user)  # type: ignore[arg-type]
    messages.success(request, f"{job.get_kind_display()}: {'stopped' if job.ended else 'it will stop shortly'}.")
    return redirect("jobs")


def _job(request: HttpRequest, application: Application, pk: int) -> Job:
    """A job that the user may start and stop.

    Raises:
        PermissionDenied: it is of a kind that the user may not start.
    """
    job = get_object_or_404(Job.objects.select_related("application"), application=application, pk=pk)
    if not may_start(job=job, user=request.user):  # type: ignore[arg-type]
        raise PermissionDenied(REFUSALS[permission_to_start(job)])
    return job


def _rows(jobs: list[Job], user: User) -> list[Row]:
    made = made_by(jobs)
    return [
        Row(job, selectors.duration(job), time_left(job), made[job.pk], *_may_repeat_and_cancel(job, user))
        for job in jobs
    ]


def _may_repeat_and_cancel(job: Job, user: User) -> tuple[bool, bool]:
    allowed = may_start(job=job, user=user)
    ended_badly = job.state in (JobState.FAILED, JobState.CANCELLED)
    return allowed and ended_badly and job.kind in AGAIN, allowed and not job.ended and not job.cancel_requested
