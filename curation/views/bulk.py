"""One action on many queries: on the selected ones, or on all that pass the filter."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from curation.errors import OdiaError
from curation.forms.bulk import BulkForm
from curation.forms.correction import CorrectionForm
from curation.forms.traffic import TrafficFilterForm
from curation.ml.calls import Call
from curation.ml.tools import ToolSet
from curation.models import Application, Query
from curation.models.reviews import Decision
from curation.selectors.bulk import SAMPLES, Target, chosen, passing, tool_sets_of
from curation.selectors.traffic import NO_CALL, functions_seen
from curation.services.query_reviews import MOST_AT_ONCE, queries_change
from curation.views.access import requires, with_application
from curation.views.undoable import say_with_undo

_DONE = {Decision.EXCLUDE: "Excluded", Decision.INCLUDE: "Took back in", Decision.CORRECT: "Corrected"}
_NEEDLESS = {
    Decision.EXCLUDE: "excluded already",
    Decision.INCLUDE: "not excluded",
    Decision.CORRECT: "corrected to this already",
}


@require_POST
@requires("review")
@with_application
def decide(request: HttpRequest, application: Application) -> HttpResponse:
    """Exclude queries, or take them back in, or go to the form that corrects them."""
    decision = request.POST.get("decision")
    if decision == Decision.CORRECT:
        return redirect(f"{reverse('traffic_correct')}?{_without(request.POST, 'decision', 'csrfmiddlewaretoken')}")
    if decision not in (Decision.EXCLUDE, Decision.INCLUDE):
        return HttpResponseBadRequest("There is no such decision.")
    form = TrafficFilterForm(request.POST, functions_seen(application))
    bulk = BulkForm(request.POST)
    if bulk.is_valid():
        target = _target(request, application, form, bulk)
        _change(request, application, target, Decision(decision), bulk)
    else:
        messages.error(request, bulk.problem())
    return redirect(_list(request.POST, form))


@require_http_methods(["GET", "POST"])
@requires("review")
@with_application
def correct(request: HttpRequest, application: Application) -> HttpResponse:
    """The form that corrects many queries to one call, whose address says which; and the correction."""
    form = TrafficFilterForm(request.GET, functions_seen(application))
    bulk = BulkForm(request.GET)
    back = _list(request.GET, form)
    if not bulk.is_valid():
        messages.error(request, bulk.problem())
        return redirect(back)
    target = _target(request, application, form, bulk)
    try:
        tools = _tools(target, form.wanted().function)
    except OdiaError as error:
        messages.error(request, str(error))
        return redirect(back)
    samples = list(target.free[:SAMPLES])
    correction = _correction(request, tools, form.wanted().function or (samples[0].function if samples else ""))
    is_given = request.method == "POST" and "show" not in request.POST and correction.is_valid()
    if is_given and _change(request, application, target, Decision.CORRECT, bulk, correction.call()):
        return redirect(back)
    return render(request, "curation/bulk_correction.html", _shown(request, target, samples, correction, back))


def _target(request: HttpRequest, application: Application, form: TrafficFilterForm, bulk: BulkForm) -> Target:
    given = bulk.cleaned_data
    if given["scope"] == "checked":
        return chosen(application, given["query"], given["seen"], request.user)  # type: ignore[arg-type]
    return passing(application, form.wanted(), given["as_of"], given["seen"], request.user)  # type: ignore[arg-type]


def _change(
    request: HttpRequest,
    application: Application,
    target: Target,
    decision: Decision,
    bulk: BulkForm,
    call: Call | None = None,
) -> bool:
    """Do it and say what was done; whether anything could be."""
    found, left = (queries.order_by()[: MOST_AT_ONCE + 1].count() for queries in target)
    try:
        batch, changed = queries_change(queries=target.free, decision=decision, user=request.user, call=call)  # type: ignore[arg-type]
    except OdiaError as error:
        messages.error(request, str(error))
        return False
    words = [f"{_DONE[decision]} {_queries(changed)}."]
    if needless := found - left - changed:
        words.append(f"{needless:,} {'was' if needless == 1 else 'were'} {_NEEDLESS[decision]}.")
    if left:
        words.append(
            f"{left:,} stayed: somebody has decided on {'it' if left == 1 else 'them'} since the page was shown."
        )
    shown = bulk.cleaned_data["shown"]
    if bulk.cleaned_data["scope"] == "all" and shown is not None and shown != found:
        words.append(f"The page showed {shown:,}, now {found:,} passed the filter.")
    say_with_undo(request, " ".join(words), batch if changed else None)
    return True


def _queries(number: int) -> str:
    return f"{number:,} {'query' if number == 1 else 'queries'}"


def _tools(target: Target, function: str) -> ToolSet:
    """The tools from which the call is chosen.

    Raises:
        OdiaError: the queries came with several tool sets and the filter fixes no function, or with none.
    """
    versions, without = tool_sets_of(target.queries, MOST_AT_ONCE)
    if without or not versions:
        raise OdiaError("Some of these queries came without a tool set, so no call can be given to them.")
    if len(versions) > 1 and function in ("", NO_CALL):
        raise OdiaError(
            f"These queries came with {len(versions)} tool sets. Choose one function called in the filter, or select "
            "queries with the same tools."
        )
    return versions[0].tool_set


def _correction(request: HttpRequest, tools: ToolSet, function: str) -> CorrectionForm:
    """The form for the function that was asked for, or else for `function`."""
    asked = (request.POST if request.method == "POST" else request.GET).get("correct", function.removeprefix(NO_CALL))
    is_given = request.method == "POST" and "show" not in request.POST
    return CorrectionForm(tools, asked, None, request.POST if is_given else None)


def _shown(
    request: HttpRequest, target: Target, samples: list[Query], correction: CorrectionForm, back: str
) -> dict[str, object]:
    number = target.free.order_by()[: MOST_AT_ONCE + 1].count()
    return {
        "correction": correction,
        "number": number,
        "too_many": number > MOST_AT_ONCE,
        "most": MOST_AT_ONCE,
        "left": target.decided_since.order_by()[: MOST_AT_ONCE + 1].count(),
        "samples": samples,
        "back": back,
        "address": f"{reverse('traffic_correct')}?{_without(request.GET, 'correct')}",
    }


def _list(given: QueryDict, form: TrafficFilterForm) -> str:
    """The list that the action came from: the filter and the page of it."""
    page = {name: str(given[name]) for name in ("before", "after") if _is_key(given.get(name, ""))}
    return f"{reverse('traffic')}?{form.address(**page)}"


def _is_key(value: str) -> bool:
    try:
        UUID(value)
    except ValueError:
        return False
    return True


def _without(given: QueryDict, *names: str) -> str:
    kept = given.copy()
    for name in names:
        kept.pop(name, None)
    return kept.urlencode()
