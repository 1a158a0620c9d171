"""Students: the registry, one student with its checks, promotion and the way back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from curation.models import Application
from curation.views.access import requires, with_application
from curation.views.answers import errors_as_messages
from training.forms.challengers import CanaryForm
from training.models import Student
from training.models.promotions import AliasName
from training.selectors import students as selectors
from training.selectors.aliases import challenger_of, champion_of
from training.selectors.figures import NO_FIGURES
from training.selectors.trials import canary_of, shadow_of
from training.services.checks import promotion_checks
from training.services.policies import policy_of
from training.services.promotions import promote, roll_back
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
        "rolls_back": selectors.promotions_of(application).filter(alias=AliasName.CHAMPION).exists(),
        "no_figures": NO_FIGURES,
        "history": selectors.promotions_of(application)[: selectors.PROMOTIONS_SHOWN],
    }
    return render(request, "training/students.html", context)


@require_GET
@requires("read")
@with_application
def student_detail(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    return show_student(request, application, find_student(application, pk))


def show_student(
    request: HttpRequest, application: Application, student: Student, canary_form: CanaryForm | None = None
) -> HttpResponse:
    """The page of a student; that of the challenger with how its trial goes."""
    champion, challenger = champion_of(application), challenger_of(application)
    checks = promotion_checks(student=student)
    context = {
        "student": student,
        "is_champion": champion == student,
        "is_challenger": challenger == student,
        "champion": champion,
        "checks": checks,
        "failing": sum(not check.passed for check in checks),
        "lineage": selectors.lineage_of(student),
        "evaluations": student.evaluations.select_related("dataset").defer("curve", "per_function"),
        "history": selectors.promotions_of_student(student),
        "audits": selectors.audits_of(student),
        "switch_offs": selectors.switch_offs_of(student),
    }
    if challenger == student:
        context["canary_form"] = canary_form or CanaryForm(instance=policy_of(application))
        context["canary"], context["shadow"] = canary_of(student), shadow_of(student)
    return render(request, "training/student.html", context)


@require_POST
@requires("approve")
@with_application
def student_promote(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    student = find_student(application, pk)
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


def find_student(application: Application, pk: int) -> Student:
    """The application's student with this key; otherwise the page is not found."""
    students = Student.objects.select_related("application", "dataset", "run", "tool_set")
    return get_object_or_404(students, application=application, pk=pk)
