"""The settings of an application: itself, its teacher, its routing policy, its API keys."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.forms import BaseForm, ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from curation.forms.settings import ApplicationForm, TeacherForm
from curation.models import Application, Teacher
from curation.teachers.openai_api import TeacherEndpoint, check_connection
from curation.teachers.secrets import SecretError, read_key
from curation.views.access import requires, with_application
from training.forms.settings import KeyForm, KeyLimitForm, PolicyForm
from training.models import ApiKey
from training.services.keys import key_create, key_limit, key_revoke
from training.services.policies import policy_of

SECTIONS = (
    ("settings", "Application"),
    ("settings_teacher", "Teacher"),
    ("settings_policy", "Policy"),
    ("settings_keys", "API keys"),
)


@require_http_methods(["GET", "POST"])
@requires("administer")
@with_application
def application_settings(request: HttpRequest, application: Application) -> HttpResponse:
    return _edit(request, "settings", ApplicationForm(request.POST or None, instance=application))


@require_http_methods(["GET", "POST"])
@requires("administer")
@with_application
def teacher_settings(request: HttpRequest, application: Application) -> HttpResponse:
    teacher = _teacher(application)
    form = TeacherForm(request.POST or None, instance=teacher)
    return _edit(request, "settings_teacher", form, teacher=teacher)


@require_POST
@requires("administer")
@with_application
def teacher_test(request: HttpRequest, application: Application) -> HttpResponse:
    """Ask the teacher for one word, and say what came of it."""
    teacher = get_object_or_404(Teacher, application=application)
    problem = _problem_with(teacher)
    if problem:
        messages.error(request, problem)
    else:
        messages.success(request, f"The teacher answers: {teacher}.")
    return redirect("settings_teacher")


@require_http_methods(["GET", "POST"])
@requires("administer")
@with_application
def policy_settings(request: HttpRequest, application: Application) -> HttpResponse:
    form = PolicyForm(request.POST or None, instance=policy_of(application))
    return _edit(request, "settings_policy", form)


@never_cache
@require_http_methods(["GET", "POST"])
@requires("administer")
@with_application
def key_settings(request: HttpRequest, application: Application) -> HttpResponse:
    """The keys; a new one's text stands in the answer to its making, and nowhere after."""
    form = KeyForm(request.POST or None)
    text = ""
    if request.method == "POST" and form.is_valid():
        _, text = key_create(application=application, **form.cleaned_data)
        form = KeyForm()
    return _keys(request, application, form, text=text)


@never_cache
@require_POST
@requires("administer")
@with_application
def key_change(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    """Change the limit of a key."""
    key = get_object_or_404(ApiKey, application=application, pk=pk, revoked_at=None)
    form = KeyLimitForm(request.POST, instance=key)
    if not form.is_valid():
        return _keys(request, application, KeyForm(), limits=form)
    key_limit(key=key, requests_per_minute=form.cleaned_data["requests_per_minute"])
    messages.success(request, f"The limit of {key} is changed; gateways hold to it within two seconds.")
    return redirect("settings_keys")


@require_POST
@requires("administer")
@with_application
def key_stop(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    key = key_revoke(key=get_object_or_404(ApiKey, application=application, pk=pk))
    messages.success(request, f"The key {key} is revoked; gateways refuse it within two seconds.")
    return redirect("settings_keys")


def _teacher(application: Application) -> Teacher:
    return Teacher.objects.filter(application=application).first() or Teacher(application=application)


def _edit(request: HttpRequest, section: str, form: ModelForm, **context: Any) -> HttpResponse:
    """Save what was filled in, or show the form with what is wrong."""
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Saved.")
        return redirect(section)
    return _section(request, section, form, **context)


def _section(request: HttpRequest, section: str, form: BaseForm, **context: Any) -> HttpResponse:
    tabs = [
        {"href": reverse(name), "label": label, "current": name == section, "count": None} for name, label in SECTIONS
    ]
    return render(request, "training/settings.html", {"section": section, "tabs": tabs, "form": form, **context})


def _keys(request: HttpRequest, application: Application, form: KeyForm, **context: Any) -> HttpResponse:
    return _section(request, "settings_keys", form, keys=application.api_keys.all(), **context)


def _problem_with(teacher: Teacher) -> str | None:
    try:
        endpoint = TeacherEndpoint(teacher.base_url, teacher.model, read_key(teacher.api_key_env))
    except SecretError as error:
        return str(error)
    return check_connection(endpoint)
