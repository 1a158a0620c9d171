"""Students: the registry, one student with its checks, promotion and the way back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_GET, require_POST

from curation.models import Application
from curation.views.access import requires, with_application
from curation.views.answers import errors_as_messages
from training.forms.challengers import CanaryForm
from training.models import Promotion, RoutingPolicy, Student
from training.models.promotions import AliasName
from training.selectors import students as selectors
from training.selectors.aliases import aliases_of, standing_promotion
from training.selectors.canary import STEPS, canary_reach, newest_requests, next_step
from training.selectors.figures import NO_FIGURES
from training.selectors.timeline import Timeline, timeline_of
from training.selectors.trials import canary_of, shadow_of
from training.services.aliases import latest_move
from training.services.checks import promotion_checks
from training.services.policies import policy_of
from training.services.promotions import promote, roll_back
from training.views.addresses import number, without
from training.views.checks import with_evidence

REVIEW_KINDS = (("", "All"), ("people", "By people"), ("policy", "By the policy"), ("corrections", "Corrections"))


@require_GET
@requires("read")
@with_application
def student_list(request: HttpRequest, application: Application) -> HttpResponse:
    dataset = number(request, "dataset")
    context = {
        "page": selectors.students_page(application, number(request, "before"), dataset),
        "narrowed": dataset,
        "rest": without(request, "before", "until"),
        "no_figures": NO_FIGURES,
        "timeline": _timeline(request, application),
        "rolls_back": standing_promotion(application),
        **_aliases(application),
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
    aliases = _aliases(application)
    policy, evaluations = policy_of(application), selectors.evaluations_of_student(student)
    own = next((one for one in evaluations if one.dataset_id == student.dataset_id), None)
    if own is None and len(evaluations) == selectors.EVALUATIONS_SHOWN:  # live ones may have crowded it out
        own = student.latest_evaluation
    checks = promotion_checks(student=student, policy=policy)
    context = {
        **aliases,
        "student": student,
        "is_champion": aliases["champion"] == student,
        "is_challenger": aliases["challenger"] == student,
        "checks": with_evidence(checks, student, own),
        "failing": sum(not check.passed for check in checks),
        "lineage": selectors.lineage_of(student),
        "evaluations": evaluations,
        "evaluating": selectors.evaluation_under_way(student),
        "timeline": _timeline(request, application, student),
        "rest": without(request, "until"),
        "audits": selectors.audits_of(student, policy),
        "switch_offs": selectors.switch_offs_of(student),
    }
    if context["is_champion"]:
        context["rolls_back"] = standing_promotion(application)
    if context["is_challenger"]:
        context |= _trial(application, policy, student, canary_form)
    return render(request, "training/student.html", context)


@require_GET
@requires("read")
@with_application
def student_reviews(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    """The decisions that a student rests on."""
    student = find_student(application, pk)
    kind = request.GET.get("kind", "")
    tabs = [{"label": label, "href": f"?kind={name}", "current": name == kind} for name, label in REVIEW_KINDS]
    page = selectors.reviews_page(student, number(request, "before"), kind)
    context = {"student": student, "tabs": tabs, "page": page, "rest": without(request, "before")}
    return render(request, "training/lineage.html", context)


@require_POST
@requires("approve")
@with_application
def student_promote(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    student = find_student(application, pk)
    with errors_as_messages(request):
        promote(student=student, user=request.user, seen=seen_move(request))  # type: ignore[arg-type]
        messages.success(request, f"{student} is champion. The gateway takes it up within two seconds.")
    return redirect("student", student.pk)


@require_POST
@requires("approve")
@with_application
def champion_roll_back(request: HttpRequest, application: Application) -> HttpResponse:
    with errors_as_messages(request):
        promotion: Promotion = roll_back(application=application, user=request.user, seen=seen_move(request))  # type: ignore[arg-type]
        now = f"{promotion.student} is champion again" if promotion.student else "The teacher answers everything"
        messages.success(request, f"Rolled back. {now}.")
    return redirect("students")


def find_student(application: Application, pk: int) -> Student:
    """The application's student with this key; otherwise the page is not found."""
    students = Student.objects.select_related("application", "dataset", "run__job", "tool_set")
    return get_object_or_404(students, application=application, pk=pk)


def seen_move(request: HttpRequest) -> int | None:
    """The newest move of an alias that the page with the form had shown."""
    given = request.POST.get("seen", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 19 else None


def _aliases(application: Application) -> dict[str, Any]:
    """Who is champion and challenger, and the state that forms send back."""
    aliases = aliases_of(application)
    return {
        "champion": aliases.get(AliasName.CHAMPION),
        "challenger": aliases.get(AliasName.CHALLENGER),
        "seen": latest_move(application),
    }


def _timeline(request: HttpRequest, application: Application, student: Student | None = None) -> Timeline:
    given = request.GET.get("until", "")
    try:
        before = parse_datetime(given)
    except ValueError:
        before = None
    return timeline_of(application, student, before if before and before.tzinfo else None)


def _trial(
    application: Application, policy: RoutingPolicy, student: Student, form: CanaryForm | None
) -> dict[str, Any]:
    newest = newest_requests(application)
    reach = canary_reach(application, newest)
    return {
        "policy": policy,
        "canary_form": form or CanaryForm.of(policy),
        "reach": reach,
        "reached": reach.at(policy.canary_share * 100),
        "steps": STEPS,
        "next_step": next_step(policy.canary_share),
        "canary": canary_of(student, newest),
        "shadow": shadow_of(student),
    }
