"""Evaluations: list, one evaluation, what it won and lost against the champion, evaluate again or on live traffic."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from curation.models import Application
from curation.models.jobs import JobKind, Trigger
from curation.tasks import start_job
from curation.views.access import requires, with_application
from curation.views.answers import answer, errors_as_messages, is_fragment
from training import tasks
from training.forms.disagreements import ComparisonFilter, DisagreementFilter
from training.forms.live_evaluation import LiveEvaluationForm
from training.models import Dataset, Evaluation, Student
from training.selectors import evaluations as selectors
from training.selectors.aliases import champion_of, evaluated_live
from training.selectors.comparisons import Side, compare, rows_page
from training.selectors.disagreements import disagreements, page_of, progress_of
from training.selectors.latency import teacher_latencies
from training.services.live_drawing import LEAST_QUERIES, MOST_QUERIES, live_counts
from training.services.policies import policy_of
from training.views.addresses import number, without
from training.views.thresholds import system_latencies, threshold_dial


@require_GET
@requires("read")
@with_application
def evaluation_list(request: HttpRequest, application: Application) -> HttpResponse:
    """The newest evaluations, or those before the key `before`; of one dataset or student where the address says so."""
    dataset, student = number(request, "dataset"), number(request, "student")
    page = selectors.evaluations_page(application, number(request, "before"), dataset=dataset, student=student)
    context = {"page": page, "narrowed": dataset or student, "rest": without(request, "before")}
    if not context["narrowed"]:
        context |= _live(application, may_start=request.user.has_perm("curation.approve"))
    return render(request, "training/evaluations.html", context)


@require_GET
@requires("read")
@with_application
def evaluation_detail(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    """The page of an evaluation, or for htmx its list of disagreements alone."""
    evaluation = find_evaluation(application, pk)
    form = DisagreementFilter(_functions(evaluation), request.GET)
    after = request.GET.get("after", "")
    page = page_of(disagreements(evaluation, **form.wanted()), after)
    context = {
        "evaluation": evaluation,
        "filter": form,
        "page": page,
        "paged": after,
        "rest": without(request, "after", "place"),
    }
    if not is_fragment(request):
        context |= _figures(request, application, evaluation)
    return answer(request, "training/evaluation.html", "disagreements", context)


@require_GET
@requires("read")
@with_application
def evaluation_compared(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    """The examples that only this student, or only the champion, gets right."""
    evaluation = find_evaluation(application, pk)
    other = selectors.champion_evaluation(evaluation)
    form = ComparisonFilter(_functions(evaluation), request.GET)
    wanted = form.wanted()
    side: Side = "lost" if wanted.pop("side") == "lost" else "won"
    after = number(request, "after")
    context: dict[str, Any] = {
        "evaluation": evaluation,
        "other": other,
        "filter": form,
        "side": side,
        "rest": without(request, "after"),
        "paged": after,
    }
    if other:
        context["page"] = rows_page(evaluation, other, side, after=after, **wanted)
        context["comparison"] = compare(evaluation, other)
    return answer(request, "training/compared.html", "rows", context)


@require_POST
@requires("approve")
@with_application
def evaluation_new(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    """Evaluate a student (again), on its own dataset or on the `dataset` that was sent."""
    student = get_object_or_404(Student, application=application, pk=pk)
    parameters = {"student": student.pk}
    given = request.POST.get("dataset", "")
    if given:
        dataset = get_object_or_404(Dataset, application=application, pk=given if given.isdecimal() else 0)
        parameters |= {"dataset": dataset.pk} if dataset.pk != student.dataset_id else {}
    with errors_as_messages(request):
        start_job(
            task=tasks.evaluate,
            application=application,
            kind=JobKind.EVALUATE,
            trigger=Trigger.PAGE,
            user=request.user,  # type: ignore[arg-type]
            parameters=parameters,
        )
        messages.success(request, f"{student} will be evaluated. The figures appear here when it is done.")
    return redirect("student", student.pk)


@require_POST
@requires("approve")
@with_application
def evaluation_live(request: HttpRequest, application: Application) -> HttpResponse:
    """Evaluate champion and challenger on the live traffic of the days that were sent."""
    form = LiveEvaluationForm(data=request.POST)
    with errors_as_messages(request):
        job = tasks.start_live_evaluation(
            application=application,
            trigger=Trigger.PAGE,
            user=request.user,  # type: ignore[arg-type]
            days=form.chosen(),
        )
        messages.success(request, f"Job {job.pk} evaluates on live traffic. The figures appear here when it is done.")
    return redirect("evaluations")


def find_evaluation(application: Application, pk: int) -> Evaluation:
    """The application's evaluation with this key; otherwise the page is not found."""
    evaluations = Evaluation.objects.select_related("student__application", "dataset")
    return get_object_or_404(evaluations, student__application=application, pk=pk)


def _live(application: Application, *, may_start: bool) -> dict[str, Any]:
    """Who meets live traffic, the newest job that evaluates them on it, and the form for those who may start one."""
    students = evaluated_live(application)
    return {
        "live_form": LiveEvaluationForm(live_counts(students)) if students and may_start else None,
        "live_students": students,
        "live_job": selectors.newest_live_job(application),
        "least": LEAST_QUERIES,
        "most": MOST_QUERIES,
    }


def _functions(evaluation: Evaluation) -> list[str]:
    return [row["function"] or "" for row in evaluation.per_function]


def _figures(request: HttpRequest, application: Application, evaluation: Evaluation) -> dict[str, Any]:
    champion = champion_of(application)
    other = selectors.champion_evaluation(evaluation)
    place = number(request, "place") if request.GET.get("place") else None
    allowed, teacher = policy_of(application).epsilon, teacher_latencies(application)
    return {
        "alias": "champion" if champion == evaluation.student else "",
        "champion": other,
        "unmeasured": champion if champion and other is None and champion != evaluation.student else None,
        "comparison": compare(evaluation, other) if other else None,
        "progress": progress_of(evaluation),
        "worse": {row["function"] for row in evaluation.regressions},
        "latency": system_latencies(evaluation, teacher),
        "champion_latency": system_latencies(other, teacher) if other else {},
        "dial": threshold_dial(evaluation, teacher, allowed=allowed, champion=other, place=place),
    }
