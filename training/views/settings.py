"""The settings of an application: itself, its teacher, its routing policy, its API keys."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from curation.forms.settings import ApplicationForm, TeacherForm
from curation.models import Application, Teacher
from curation.services.settings_log import change_record, form_save
from curation.teachers.openai_api import TeacherEndpoint, check_connection, check_tools
from curation.teachers.secrets import SecretError, read_key
from curation.views.access import requires, with_application
from curation.views.answers import is_fragment
from curation.views.sections import render_section
from training.forms.settings import KeyForm, KeyLimitForm, PolicyForm
from training.models import ApiKey
from training.services.keys import key_create, key_limit, key_revoke
from training.services.policies import policy_of


@require_http_methods(["GET", "POST"])
@requires("administer")
@with_application
def application_settings(request: HttpRequest, application: Application) -> HttpResponse:
    return _edit(request, application, "settings", ApplicationForm(request.POST or None, instance=application))


@require_http_methods(["GET", "POST"])
@requires("administer")
@with_application
def teacher_settings(request: HttpRequest, application: Application) -> HttpResponse:
    return _edit(
        request, application, "settings_teacher", TeacherForm(request.POST or None, instance=_teacher(application))
    )


@require_POST
@requires("administer")
@with_application
def teacher_test(request: HttpRequest, application: Application) -> HttpResponse:
    """Ask the teacher that is filled in, saved or not, and say what came of it."""
    form = TeacherForm(request.POST, instance=_teacher(application))
    context = {"form": form, "tested": True, **(_outcome(form.instance) if form.is_valid() else {})}
    if is_fragment(request):
        return render(request, "training/_teacher_test.html", context)
    return _section(request, "settings_teacher", **context)


@require_http_methods(["GET", "POST"])
@requires("administer")
@with_application
def policy_settings(request: HttpRequest, application: Application) -> HttpResponse:
    form = PolicyForm(request.POST or None, instance=policy_of(application))
    return _edit(request, application, "settings_policy", form)


@never_cache
@require_http_methods(["GET", "POST"])
@requires("administer")
@with_application
def key_settings(request: HttpRequest, application: Application) -> HttpResponse:
    """The keys; a new one's text stands in the answer to its making, and nowhere after."""
    form = KeyForm(request.POST or None)
    text = ""
    if request.method == "POST" and form.is_valid():
        key, text = key_create(application=application, **form.cleaned_data)
        _record(request, key, {}, dict(form.cleaned_data), "added")
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
    before = {"requests_per_minute": form.initial["requests_per_minute"]}
    key_limit(key=key, requests_per_minute=form.cleaned_data["requests_per_minute"])
    _record(request, key, before, {"requests_per_minute": key.requests_per_minute})
    messages.success(request, f"The limit of {key} is changed; gateways hold to it within two seconds.")
    return redirect("settings_keys")


@require_POST
@requires("administer")
@with_application
def key_stop(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    key = get_object_or_404(ApiKey, application=application, pk=pk)
    key_revoke(key=key, user=request.user)  # type: ignore[arg-type]
    messages.success(request, f"The key {key} is revoked; gateways refuse it within two seconds.")
    return redirect("settings_keys")


def _teacher(application: Application) -> Teacher:
    return Teacher.objects.filter(application=application).first() or Teacher(application=application)


def _edit(request: HttpRequest, application: Application, section: str, form: ModelForm) -> HttpResponse:
    """Save what was filled in, or show the form with what is wrong."""
    if request.method == "POST" and form.is_valid():
        form_save(form=form, application=application, user=request.user)  # type: ignore[arg-type]
        messages.success(request, "Saved.")
        return redirect(section)
    return _section(request, section, form=form)


def _section(request: HttpRequest, section: str, **context: Any) -> HttpResponse:
    return render_section(request, section, "training/settings.html", **context)


def _record(
    request: HttpRequest, key: ApiKey, before: dict[str, Any], after: dict[str, Any], what: str = "changed"
) -> None:
    user: User = request.user  # type: ignore[assignment]
    change_record(user=user, application=key.application, row=key, before=before, after=after, what=what)


def _keys(request: HttpRequest, application: Application, form: KeyForm, **context: Any) -> HttpResponse:
    return _section(request, "settings_keys", form=form, keys=application.api_keys.all(), **context)


def _outcome(teacher: Teacher) -> dict[str, str | None]:
    """What is wrong with a teacher, and what to know about one that answers."""
    try:
        endpoint = TeacherEndpoint(teacher.base_url, teacher.model, read_key(teacher.api_key_env))
    except SecretError as error:
        return {"problem": str(error)}
    problem = check_connection(endpoint)
    return {"problem": problem, "remark": None if problem else check_tools(endpoint)}
