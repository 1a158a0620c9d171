"""One query: what was asked, what was answered, how it was routed, what people decided about it."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from curation.errors import OdiaError
from curation.forms.correction import CorrectionForm
from curation.forms.traffic import TrafficFilterForm
from curation.models import Application, Query
from curation.selectors import traffic as selectors
from curation.selectors.applications import function_names
from curation.services.query_reviews import call_correct, query_exclude, query_include
from curation.views.access import requires, with_application
from curation.views.answers import answer, errors_as_messages
from curation.views.traffic import filter_part


@require_GET
@requires("read")
@with_application
def query_page(request: HttpRequest, application: Application, pk: UUID) -> HttpResponse:
    """The page of a query, or for htmx its panel beside the list; the filter in the address bounds the neighbours."""
    query = _query(application, pk)
    return _show(request, query, _correction(query, request.GET.get("correct")))


@require_POST
@requires("review")
@with_application
def correct(request: HttpRequest, application: Application, pk: UUID) -> HttpResponse:
    """Correct the call; without JavaScript the form first asks for the fields of the function that was chosen."""
    query = _query(application, pk)
    if "show" in request.POST:
        return _show(request, query, _correction(query, request.POST.get("correct", "")))
    form = _correction(query, request.POST.get("correct", ""), request.POST)
    if form is None or not form.is_valid():
        return _show(request, query, form)
    try:
        call_correct(query=query, call=form.call(), user=request.user)  # type: ignore[arg-type]
    except OdiaError as error:
        form.add_error(None, str(error))
        return _show(request, query, form)
    messages.success(request, "The call is corrected. Datasets that are built from now on use it.")
    return _back(request, query)


@require_POST
@requires("review")
@with_application
def exclude(request: HttpRequest, application: Application, pk: UUID) -> HttpResponse:
    query = _query(application, pk)
    with errors_as_messages(request):
        query_exclude(query=query, user=request.user)  # type: ignore[arg-type]
        messages.success(request, "Excluded: datasets that are built from now on leave it out.")
    return _back(request, query)


@require_POST
@requires("review")
@with_application
def include(request: HttpRequest, application: Application, pk: UUID) -> HttpResponse:
    query = _query(application, pk)
    with errors_as_messages(request):
        query_include(query=query, user=request.user)  # type: ignore[arg-type]
        messages.success(request, "Taken back in: datasets that are built from now on may draw it.")
    return _back(request, query)


def _query(application: Application, pk: UUID) -> Query:
    query = selectors.query_detail(application, pk)
    if query is None:
        raise Http404
    return query


def _correction(query: Query, function: str | None, data: object = None) -> CorrectionForm | None:
    """The correction form, for the function of the reference call unless another was chosen."""
    if query.tool_set is None:
        return None
    return CorrectionForm(query.tool_set.tool_set, query.function if function is None else function, query.call, data)


def _show(request: HttpRequest, query: Query, correction: CorrectionForm | None) -> HttpResponse:
    decision = getattr(query, "decision", None)
    answers = selectors.teacher_calls(query)
    functions = function_names(query.application)
    inside = selectors.queries_of(query.application, TrafficFilterForm(request.GET, functions).wanted())
    newer, older = selectors.neighbours(inside, query.pk)
    context = {
        "query": query,
        "decision": decision,
        "shadow": getattr(query, "shadow", None),
        "steps": selectors.routing_steps(decision.steps) if decision else [],
        "segments": selectors.segments(query.text, query.call if query.labelled or not decision else decision.call),
        "answers": answers,
        "teacher": selectors.teachers_call(answers),
        "reviews": selectors.reviews_of_query(query),
        "correction": correction,
        "correcting": "correct" in request.GET or request.method == "POST",
        "newer": newer,
        "older": older,
        "kept": filter_part(request.GET),
    }
    return answer(request, "curation/query.html", "panel", context)


def _back(request: HttpRequest, query: Query) -> HttpResponse:
    """To the cluster's page where the decision was made there, or else to the query's."""
    cluster = request.POST.get("cluster", "")
    if cluster.isdecimal():
        return redirect("cluster", cluster)
    return redirect(f"{reverse('query', args=[query.pk])}?{filter_part(request.GET)}")
