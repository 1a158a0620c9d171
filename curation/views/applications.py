"""Applications: the choice in the header, the list of all, a new one."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import is_valid_path
from django.views.decorators.http import require_http_methods, require_POST

from curation.forms.settings import NewApplicationForm
from curation.selectors.applications import applications_with_members
from curation.services.settings_log import change_record, plain
from curation.views.access import applications_of, requires, select_application
from curation.views.sections import render_section


@require_POST
@requires("read")
def select(request: HttpRequest) -> HttpResponse:
    """Look at another application: the same page of it, if the page is not about one thing of the old one."""
    identifier = request.POST.get("application", "")
    application = next((one for one in applications_of(request) if str(one.pk) == identifier), None)
    if application is None:
        raise Http404
    select_application(request, application)
    section = "/" + request.POST.get("next", "/").lstrip("/").partition("/")[0]
    address = section if section == "/" else f"{section}/"
    return redirect(address if is_valid_path(address) else "home")


@require_http_methods(["GET", "POST"])
@requires("administer")
def applications(request: HttpRequest) -> HttpResponse:
    """All applications with their members, and the form of a new one, which is looked at from then on."""
    form = NewApplicationForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        application = form.save()
        user: User = request.user  # type: ignore[assignment]
        after = {name: plain(value) for name, value in form.cleaned_data.items()}
        change_record(user=user, application=application, row=application, before={}, after=after, what="added")
        select_application(request, application)
        messages.success(request, f"{application} is made. Set its teacher, then make a key for the program.")
        return redirect("settings_teacher")
    return render_section(
        request, "applications", "curation/applications.html", form=form, rows=applications_with_members()
    )
