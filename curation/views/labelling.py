"""Asking the teacher: what it would cost, the start of it, what was spent, and what it has no usable answer to."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from curation import tasks
from curation.errors import OdiaError
from curation.forms.labelling import LabelForm
from curation.models import Application, Cluster, Teacher
from curation.models.jobs import Trigger
from curation.models.traffic import Purpose
from curation.selectors import labelling as selectors
from curation.selectors import spending
from curation.views.access import requires, with_application
from curation.views.answers import answer, is_fragment

SHOWN = 20


@require_http_methods(["GET"])
@requires("read")
@with_application
def labelling(request: HttpRequest, application: Application) -> HttpResponse:
    """The page, or for htmx what the choices would take."""
    form = LabelForm(request.GET or None)
    return _page(request, application, form)


@require_http_methods(["POST"])
@requires("approve")
@with_application
def labelling_start(request: HttpRequest, application: Application) -> HttpResponse:
    form = LabelForm(request.POST)
    if not form.is_valid():
        return _page(request, application, form)
    try:
        choices = selectors.selected(application, **form.wanted())
        if choices is None:
            raise OdiaError("There is no such query to ask about.")
        tasks.start_labelling(application=application, choices=choices, trigger=Trigger.PAGE, user=request.user)  # type: ignore[arg-type]
    except OdiaError as error:
        messages.error(request, str(error))
        return _page(request, application, form)
    messages.success(request, f"The teacher will be asked about {choices.queries:,} queries.")
    return redirect("jobs")


def _page(request: HttpRequest, application: Application, form: LabelForm) -> HttpResponse:
    teacher = Teacher.objects.filter(application=application).select_related("application").first()
    context: dict[str, Any] = {"form": form, "teacher": teacher, "cluster": _cluster(application, form)}
    if teacher and not (form.is_bound and form.errors):
        choices = selectors.selected(application, **LabelForm(form.data).wanted())
        context |= {"choices": choices, "estimate": selectors.estimate(teacher, choices) if choices else None}
    if teacher and not is_fragment(request):
        context |= {
            "spent": [(purpose.label, spending.spent_this_month(teacher, [purpose])) for purpose in ASKED_FOR],
            "budget": spending.budget_in_words(teacher),
            "unusable": selectors.unusable_of(application, SHOWN),
        }
    return answer(request, "curation/labelling.html", "estimate", context)


ASKED_FOR = (Purpose.LABEL, Purpose.RESAMPLE, Purpose.AUDIT)
"""What ODIA itself asks a teacher for."""


def _cluster(application: Application, form: LabelForm) -> Cluster | None:
    wanted = LabelForm(form.data).wanted()["cluster"]
    return Cluster.objects.filter(application=application, pk=wanted).first() if wanted else None
