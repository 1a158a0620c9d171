"""Students: the registry, one student with its checks, promotion and the way back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from curation.models import Application
from curation.views.access import requires, with_application
from curation.views.answers import errors_as_messages
from training.models import Student
from training.selectors import students as selectors
from training.selectors.figures import NO_FIGURES
from training.services.promotions import champion_of, promote, promotion_checks, roll_back
from training.views.addresses import number


@require_GET
@requires("read")
@with_application
def student_list(request: HttpRequest, application: Application) -> HttpResponse:
    students = selectors.students_of(application)
    dataset = number(request, "dataset")
    context = {
        "students": students.filter(dataset=dataset) if dataset else students,
        "champion": champion_of(application),
        "no_figures": NO_FIGURES,
        "history": selectors.promotions_of(application)[: selectors.PROMOTIONS_SHOWN],
    }
    return render(request, "training/students.html", context)


@require_GET
@requires("read")
@with_application
def student_detail(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    student = _student(application, pk)
    champion = champion_of(application)
    checks = promotion_checks(student=student)
    context = {
        "student": student,
        "is_champion": champion == student,
        "champion": champion,
        "checks": checks,
        "failing": sum(not check.passed for check in checks),
        "lineage": selectors.lineage_of(student),
        "evaluations": student.evaluations.select_related("dataset").defer("curve", "per_function"),
        "history": selectors.promotions_of(application).filter(student=student),
    }
    return render(request, "training/student.html", context)


@require_POST
@requires("approve")
@with_application
def student_promote(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    student = _student(application, pk)
    with errors_as_messages(request):
        promote(student=student, user=request.user)  # type: ignore[arg-type]
        messages.success(request, f"{student} is champion. The gateway takes it up within two seconds.")
    return redirect("student", student.pk)


@require_POST
@requires("approve")
@with_application
def champion_roll_back(request: HttpRequest, application: Application) -> HttpResponse:
    with errors_as_messages(request):
        promotion = roll_back(application=application, user=request.user)  # type: ignore[arg-type]
        now = f"{promotion.student} is champion again" if promotion.student else "The teacher answers everything"
        messages.success(request, f"Rolled back. {now}.")
    return redirect("students")


def _student(application: Application, pk: int) -> Student:
    students = Student.objects.select_related("application", "dataset", "run", "tool_set")
    return get_object_or_404(students, application=application, pk=pk)
