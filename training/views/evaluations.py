"""Evaluations: list, one evaluation, evaluate again."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from curation.models import Application
from curation.models.jobs import JobKind, Trigger
from curation.services.jobs import job_create, job_hand_over
from curation.views.access import requires, with_application
from curation.views.answers import answer, errors_as_messages, is_fragment
from training import tasks
from training.forms.filters import DisagreementFilter
from training.models import Evaluation, Student
from training.selectors import evaluations as selectors
from training.selectors.figures import risk_coverage
from training.selectors.latency import teacher_latencies
from training.views.addresses import number, without
from training.views.thresholds import threshold_readings


@require_GET
@requires("read")
@with_application
def evaluation_list(request: HttpRequest, application: Application) -> HttpResponse:
    evaluations = selectors.evaluations_of(application)[: selectors.EVALUATIONS_SHOWN]
    return render(request, "training/evaluations.html", {"evaluations": evaluations})


@require_GET
@requires("read")
@with_application
def evaluation_detail(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    """The page of an evaluation, or for htmx its list of disagreements alone."""
    evaluation = _evaluation(application, pk)
    form = DisagreementFilter([row["function"] or "" for row in evaluation.per_function], request.GET)
    after = request.GET.get("after", "")
    page = selectors.disagreements_page(evaluation, after=after, **form.wanted())
    rest = without(request, "after")
    context = {"evaluation": evaluation, "filter": form, "page": page, "paged": after, "rest": rest}
    if is_fragment(request):
        return answer(request, "training/evaluation.html", "disagreements", context)
    champion = selectors.champion_evaluation(evaluation)
    readings = threshold_readings(evaluation, teacher_latencies(application))
    certified = selectors.point_at(evaluation.curve, evaluation.threshold)
    place = min(number(request, "place", certified or 0), max(len(readings) - 1, 0))
    context |= {
        "champion": champion,
        "certified": certified,
        "place": place,
        "last_place": len(readings) - 1,
        "readings": readings,
        "reading": readings[place] if readings else None,
        "figure": risk_coverage(evaluation, place, champion) if readings else None,
    }
    return answer(request, "training/evaluation.html", "disagreements", context)


@require_POST
@requires("approve")
@with_application
def evaluation_new(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    """Evaluate a student (again)."""
    student = get_object_or_404(Student, application=application, pk=pk)
    with errors_as_messages(request):
        job = job_create(
            application=application,
            kind=JobKind.EVALUATE,
            trigger=Trigger.PAGE,
            user=request.user,  # type: ignore[arg-type]
            parameters={"student": student.pk},
        )
        job_hand_over(job=job, send=lambda: tasks.evaluate.delay_on_commit(job.pk))  # type: ignore[attr-defined]
        messages.success(request, f"{student} will be evaluated. The figures appear here when it is done.")
    return redirect("student", student.pk)


def _evaluation(application: Application, pk: int) -> Evaluation:
    evaluations = Evaluation.objects.select_related("student", "dataset")
    return get_object_or_404(evaluations, student__application=application, pk=pk)
