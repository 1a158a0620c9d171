"""One query: what was asked, what was answered, how it was routed, what people decided about it."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from curation.errors import OdiaError
from curation.forms.correction import CorrectionForm
from curation.models import Application, Query, Review
from curation.selectors import query as selectors
from curation.selectors.query import query_state
from curation.selectors.similar import nearest_patterns
from curation.selectors.traffic import capped_count, down_to, edge_of, place_of, queries_of, segments
from curation.services.query_reviews import StaleDecision, call_correct, query_exclude, query_include
from curation.views.access import requires, with_application
from curation.views.answers import answer, is_fragment
from curation.views.traffic import filter_of, listing, place


@require_GET
@requires("read")
@with_application
def query_page(request: HttpRequest, application: Application, pk: UUID) -> HttpResponse:
    """The list with the query beside it, or for htmx only the query; the filter in the address bounds both."""
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
        call_correct(query=query, call=form.call(), user=_user(request), expected=request.POST.get("state", ""))
    except StaleDecision:
        return _show(request, _query(application, pk), form, is_stale=True)
    except OdiaError as error:
        form.add_error(None, str(error))
        return _show(request, query, form)
    messages.success(request, "The call is corrected. Datasets that are built from now on use it.")
    return _back(request, query)


@require_POST
@requires("review")
@with_application
def exclude(request: HttpRequest, application: Application, pk: UUID) -> HttpResponse:
    done = "Excluded: datasets that are built from now on leave it out."
    return _decide(request, application, pk, query_exclude, done)


@require_POST
@requires("review")
@with_application
def include(request: HttpRequest, application: Application, pk: UUID) -> HttpResponse:
    done = "Taken back in: datasets that are built from now on may draw it."
    return _decide(request, application, pk, query_include, done)


def _decide(
    request: HttpRequest, application: Application, pk: UUID, decide: Callable[..., Review], done: str
) -> HttpResponse:
    query = _query(application, pk)
    try:
        decide(query=query, user=_user(request), expected=request.POST.get("state", ""))
        messages.success(request, done)
    except StaleDecision as error:
        if "cluster" not in request.POST:
            query = _query(application, pk)
            return _show(request, query, _correction(query, None), is_stale=True)
        messages.error(request, f"{error} It is shown as it is now.")
    except OdiaError as error:
        messages.error(request, str(error))
    return _back(request, query)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


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


def _show(
    request: HttpRequest, query: Query, correction: CorrectionForm | None, *, is_stale: bool = False
) -> HttpResponse:
    """`is_stale`: a decision was refused because the query had changed; what was filled in stays in the form."""
    decision = getattr(query, "decision", None)
    answers = selectors.teacher_calls(query)
    form = filter_of(request, query.application)
    inside = queries_of(query.application, form.wanted())
    edge = edge_of(query.application, form.wanted(), query.pk)
    reviews = selectors.reviews_of_query(query)
    context = {
        "query": query,
        "state": query_state(query),
        "is_stale": is_stale,
        "changed_by": reviews[0] if is_stale and reviews else None,
        "decision": decision,
        "shadow": getattr(query, "shadow", None),
        "steps": selectors.routing_steps(decision.steps) if decision else [],
        "segments": segments(query.text, query.call if query.labelled or not decision else decision.call),
        "answers": answers,
        "teacher": selectors.teachers_call(answers),
        "reviews": reviews,
        "correction": correction,
        "correcting": "correct" in request.GET or request.method == "POST",
        "nearest": nearest_patterns(query.pattern) if query.pattern and "similar" in request.GET else None,
        "place": place_of(inside, query.pk, edge),
        "here": place(request, form),
    }
    if is_fragment(request):
        context["total"] = capped_count(down_to(inside, edge_of(query.application, form.wanted())))
    else:
        context |= listing(request, query.application, at=query.pk)
        context["total"] = context["count"]
    return answer(request, "curation/query.html", "panel", context)


def _back(request: HttpRequest, query: Query) -> HttpResponse:
    """To the cluster's page where the decision was made there, or else to the query's."""
    cluster = request.POST.get("cluster", "")
    if cluster.isdecimal():
        return redirect(reverse("cluster", args=[cluster]) + (f"?{request.GET.urlencode()}" if request.GET else ""))
    return redirect(f"{reverse('query', args=[query.pk])}?{place(request, filter_of(request, query.application))}")
