"""The schedule: what starts by itself, and when."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST
from django_celery_beat.models import PeriodicTask

from curation.models import Application
from curation.services.settings_log import change_record
from curation.views.access import requires, with_application
from curation.views.answers import errors_as_messages
from curation.views.sections import render_section
from training.forms.schedules import RhythmForm, ScheduleForm
from training.models.schedules import Work
from training.selectors import schedules as selectors
from training.services.schedules import schedule_add, schedule_change, schedule_delete, schedule_switch


@require_http_methods(["GET", "POST"])
@requires("administer")
@with_application
def schedule(request: HttpRequest, application: Application) -> HttpResponse:
    """The rows of the schedule, and the form that adds one."""
    form = ScheduleForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        work = Work(form.cleaned_data["work"])
        zone = timezone.get_current_timezone_name()
        with errors_as_messages(request):
            task = schedule_add(application=application, work=work, zone=zone, **form.choices())
            _record(request, application, task, {}, _state(task), "added")
            messages.success(request, f"“{work.label}” is on the schedule.")
        return redirect("schedule")
    rows = selectors.schedule_of(application)
    return render_section(request, "schedule", "training/schedule.html", rows=rows, form=form, zone=_zone())


@require_http_methods(["GET", "POST"])
@requires("administer")
@with_application
def schedule_edit(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    task = _task(application, pk)
    form = RhythmForm(request.POST if request.method == "POST" else None, initial=RhythmForm.initial_of(task))
    if form.is_valid():
        before = _state(task)
        schedule_change(task=task, zone=timezone.get_current_timezone_name(), **form.choices())
        _record(request, application, task, before, _state(task))
        messages.success(request, f"“{Work(task.task).label}” is changed; it starts {selectors.in_words(task)}.")
        return redirect("schedule")
    context = {"form": form, "label": Work(task.task).label, "task": task, "zone": _zone()}
    return render_section(request, "schedule", "training/schedule_edit.html", **context)


@require_POST
@requires("administer")
@with_application
def switch(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    task = _task(application, pk)
    before = _state(task)
    schedule_switch(task=task, enabled=request.POST.get("enabled") == "1")
    _record(request, application, task, before, _state(task))
    what = "will start by itself again" if task.enabled else "does not start by itself any more"
    messages.success(request, f"“{Work(task.task).label}” {what}.")
    return redirect("schedule")


@require_POST
@requires("administer")
@with_application
def delete(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    task = _task(application, pk)
    _record(request, application, task, _state(task), {}, "deleted")
    schedule_delete(task=task)
    messages.success(request, f"“{Work(task.task).label}” is off the schedule.")
    return redirect("schedule")


def _task(application: Application, pk: int) -> PeriodicTask:
    task = selectors.scheduled_task(application, pk)
    if task is None:
        raise Http404
    return task


def _state(task: PeriodicTask) -> dict[str, Any]:
    return {"starts": selectors.in_words(task), "enabled": task.enabled}


def _record(
    request: HttpRequest,
    application: Application,
    task: PeriodicTask,
    before: dict[str, Any],
    after: dict[str, Any],
    what: str = "changed",
) -> None:
    user: User = request.user  # type: ignore[assignment]
    change_record(user=user, application=application, row=task, before=before, after=after, what=what)


def _zone() -> str:
    return timezone.get_current_timezone_name()
