"""The disagreements of an evaluation as a queue: one after another, and who was right."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from curation.forms.correction import CorrectionForm
from curation.models import Application, Query
from curation.selectors.query import query_state
from curation.selectors.traffic import segments
from curation.views.access import requires, with_application
from curation.views.answers import answer, errors_as_messages
from training.forms.disagreements import DisagreementFilter
from training.models import Evaluation, EvaluationExample, Judgement
from training.models.evaluations import Verdict
from training.selectors import disagreements as selectors
from training.services.verdicts import example_judge, judgement_undo
from training.views.addresses import number, without
from training.views.evaluations import find_evaluation


@require_GET
@requires("read")
@with_application
def verdict_queue(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    """The disagreement named `at`, or the first inside the filter that nobody has judged."""
    evaluation = find_evaluation(application, pk)
    rows = selectors.disagreements(evaluation, **_filter(request, evaluation).wanted())
    at = number(request, "at") or selectors.first_to_judge(rows)
    example = get_object_or_404(EvaluationExample, evaluation=evaluation, agrees=False, pk=at) if at else None
    return _show(request, evaluation, example, request.GET.get("correct"))


@require_POST
@requires("review")
@with_application
def verdict_give(request: HttpRequest, application: Application, pk: int, example_pk: int) -> HttpResponse:
    """Record a verdict, and go on to the next disagreement; what is wrong with a correction stands in its form."""
    evaluation = find_evaluation(application, pk)
    example = get_object_or_404(EvaluationExample, evaluation=evaluation, agrees=False, pk=example_pk)
    verdict, exclude = request.POST.get("verdict", ""), "exclude" in request.POST
    if verdict not in Verdict.values or "show" in request.POST:
        return _show(request, evaluation, example, request.POST.get("correct", ""))
    form = None if exclude or verdict != Verdict.NEITHER else _correction(application, example, request.POST)
    if form and not form.is_valid():
        return _show(request, evaluation, example, form=form)
    with errors_as_messages(request):
        example_judge(
            example=example,
            verdict=Verdict(verdict),
            user=request.user,  # type: ignore[arg-type]
            correction=form.call() if form else None,
            exclude=exclude,
            expected=request.POST.get("expected", ""),
        )
        rows = selectors.disagreements(evaluation, **_filter(request, evaluation).wanted())
        return _to(request, evaluation, selectors.first_to_judge(rows, example))
    return _to(request, evaluation, example.pk)


@require_POST
@requires("review")
@with_application
def verdict_undo(request: HttpRequest, application: Application, pk: int, judgement_pk: int) -> HttpResponse:
    evaluation = find_evaluation(application, pk)
    judgement = get_object_or_404(Judgement, example__evaluation=evaluation, pk=judgement_pk)
    with errors_as_messages(request):
        judgement_undo(judgement=judgement, user=request.user)  # type: ignore[arg-type]
        messages.success(request, f"Taken back: {judgement.get_verdict_display().lower()}.")
    return _to(request, evaluation, judgement.example_id)


def _show(
    request: HttpRequest,
    evaluation: Evaluation,
    example: EvaluationExample | None,
    correct: str | None = None,
    form: CorrectionForm | None = None,
) -> HttpResponse:
    chosen = _filter(request, evaluation)
    context: dict[str, Any] = {
        "evaluation": evaluation,
        "filter": chosen,
        "rest": without(request, "at", "correct"),
        "progress": selectors.progress_of(evaluation),
        "example": example,
        "last": selectors.last_judgement(evaluation, request.user),  # type: ignore[arg-type]
    }
    if example:
        context |= _case(evaluation, example, selectors.disagreements(evaluation, **chosen.wanted()))
        context["correction"] = form or _correction_of(context["query"], correct)
        context["correcting"] = form is not None or correct is not None
    response = answer(request, "training/verdicts.html", "case", context)
    if request.method == "POST":
        response["HX-Push-Url"] = "false"  # nothing was decided: the address stays the one of the case
    return response


def _case(evaluation: Evaluation, example: EvaluationExample, rows: Any) -> dict[str, Any]:
    query = selectors.query_behind(evaluation.student.application, example.query_id)
    before, behind = selectors.neighbours(rows, example)
    return {
        "query": query,
        "expected": query_state(query) if query else "",
        "changed": query is not None and query.call != example.call,
        "segments": segments(example.text, example.call),
        "judgement": selectors.judgement_of(example),
        "before": before,
        "behind": behind,
    }


def _correction(application: Application, example: EvaluationExample, data: Any) -> CorrectionForm | None:
    return _correction_of(selectors.query_behind(application, example.query_id), data.get("correct", ""), data)


def _correction_of(query: Query | None, function: str | None, data: Any = None) -> CorrectionForm | None:
    if query is None or query.tool_set is None:
        return None
    return CorrectionForm(query.tool_set.tool_set, query.function if function is None else function, query.call, data)


def _filter(request: HttpRequest, evaluation: Evaluation) -> DisagreementFilter:
    return DisagreementFilter([row["function"] or "" for row in evaluation.per_function], request.GET)


def _to(request: HttpRequest, evaluation: Evaluation, at: int | None) -> HttpResponse:
    place = f"at={at}" if at else ""
    address = f"{reverse('verdicts', args=[evaluation.pk])}?{without(request, 'at', 'correct')}{place}"
    return redirect(address.rstrip("?&"))
