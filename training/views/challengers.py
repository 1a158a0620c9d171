"""The challenger: made, given a share of the users, withdrawn; and what audits switched off, turned on again."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from curation.models import Application
from curation.views.access import requires, with_application
from curation.views.answers import errors_as_messages
from training.forms.challengers import CanaryForm
from training.models import SwitchOff
from training.selectors.aliases import challenger_of
from training.services.challengers import canary_set, challenger_set, challenger_withdraw
from training.services.switch_offs import switch_off_lift
from training.views.students import find_student, seen_move, show_student


@require_POST
@requires("approve")
@with_application
def challenger_new(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    student = find_student(application, pk)
    with errors_as_messages(request):
        challenger_set(student=student, user=request.user, seen=seen_move(request))  # type: ignore[arg-type]
        messages.success(request, f"{student} is the challenger. Say below whom it answers.")
    return redirect("student", student.pk)


@require_POST
@requires("approve")
@with_application
def challenger_end(request: HttpRequest, application: Application) -> HttpResponse:
    with errors_as_messages(request):
        seen = seen_move(request)
        withdrawn = challenger_withdraw(application=application, user=request.user, seen=seen)  # type: ignore[arg-type]
        messages.success(request, f"{withdrawn.previous} is withdrawn: it meets no request any more.")
    return redirect("students")


@require_POST
@requires("approve")
@with_application
def canary(request: HttpRequest, application: Application) -> HttpResponse:
    """Set whom the challenger answers; what is wrong with the form stands on its page."""
    challenger = challenger_of(application)
    if challenger is None:
        messages.error(request, "There is no challenger any more.")
        return redirect("students")
    form = CanaryForm(request.POST)
    if not form.is_valid():
        return show_student(request, application, challenger, form)
    with errors_as_messages(request):
        canary_set(
            application=application,
            share=form.share,
            shadow=form.cleaned_data["shadow"],
            user=request.user,  # type: ignore[arg-type]
            seen=seen_move(request),
        )
        messages.success(request, "Saved. The gateway follows within two seconds.")
    return redirect("student", challenger.pk)


@require_POST
@requires("approve")
@with_application
def turn_on(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    off = get_object_or_404(SwitchOff.objects.select_related("student"), application=application, pk=pk)
    with errors_as_messages(request):
        switch_off_lift(switch_off=off, user=request.user)  # type: ignore[arg-type]
        messages.success(request, f"{off.function or off.student} is turned on again; its audits are counted anew.")
    return redirect("student", off.student_id)
