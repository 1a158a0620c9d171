"""Users: who they are, what they may do, and the links by which they choose a password."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from curation.forms.people import NewPersonForm, PersonForm
from curation.selectors import people as selectors
from curation.services.people import password_forget, person_activate, person_change, person_create
from curation.services.settings_log import change_record
from curation.views.access import requires
from curation.views.answers import errors_as_messages
from curation.views.sections import render_section


@require_GET
@requires("administer")
def people(request: HttpRequest) -> HttpResponse:
    rows = [(user, selectors.group_of(user)) for user in selectors.people()]
    return render_section(request, "people", "curation/people.html", rows=rows)


@never_cache
@require_http_methods(["GET", "POST"])
@requires("administer")
def person_new(request: HttpRequest) -> HttpResponse:
    """Make a user. The link by which they choose their password stands in the answer, and nowhere after."""
    form = NewPersonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = person_create(username=form.cleaned_data["username"], **_changes(form))
        _record(request, user, {}, "added")
        return _with_link(request, user, PersonForm(instance=user))
    return render_section(request, "people", "curation/person.html", form=form, person=None)


@never_cache
@require_http_methods(["GET", "POST"])
@requires("administer")
def person(request: HttpRequest, pk: int) -> HttpResponse:
    user = get_object_or_404(User, pk=pk)
    form = PersonForm(request.POST if request.method == "POST" else None, instance=user)
    if request.method == "POST" and form.is_valid():
        with errors_as_messages(request):
            before = selectors.rights_of(user)
            person_change(user=User.objects.get(pk=pk), **_changes(form))
            _record(request, user, before)
            messages.success(request, f"{user} is changed.")
        return redirect("person", pk)
    return render_section(request, "people", "curation/person.html", form=form, person=user)


@require_POST
@requires("administer")
def person_switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep a user out, or let them in again."""
    user = get_object_or_404(User, pk=pk)
    with errors_as_messages(request):
        before = selectors.rights_of(user)
        person_activate(user=user, active=request.POST.get("active") == "1")
        _record(request, user, before)
        messages.success(request, f"{user} {'may sign in again' if user.is_active else 'cannot sign in any more'}.")
    return redirect("person", pk)


@never_cache
@require_POST
@requires("administer")
def person_password(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a user's password away, and show a link by which they choose a new one."""
    user = get_object_or_404(User, pk=pk)
    if user == request.user:
        messages.error(request, "Change your own password from the menu under your name.")
        return redirect("person", pk)
    password_forget(user=user)
    _record(request, user, {"password": "set"}, after={"password": "taken away"})
    return _with_link(request, user, PersonForm(instance=user))


def _record(
    request: HttpRequest,
    person: User,
    before: dict[str, Any],
    what: str = "changed",
    after: dict[str, Any] | None = None,
) -> None:
    """Who may do what, and who said so; addresses are not recorded."""
    after = after or selectors.rights_of(person)
    user: User = request.user  # type: ignore[assignment]
    change_record(user=user, application=None, row=person, before=before, after=after, what=what)


def _changes(form: PersonForm) -> dict[str, Any]:
    return {name: form.cleaned_data[name] for name in ("email", "group", "applications")}


def _with_link(request: HttpRequest, user: User, form: PersonForm) -> HttpResponse:
    """The page of a user with a link that works once, and for as long as `PASSWORD_RESET_TIMEOUT` says."""
    key = urlsafe_base64_encode(force_bytes(user.pk))
    path = reverse("password_set", args=[key, default_token_generator.make_token(user)])
    link = request.build_absolute_uri(path)
    return render_section(request, "people", "curation/person.html", form=form, person=user, link=link)
