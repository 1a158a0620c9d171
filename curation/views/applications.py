"""The choice of the application in the header."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from curation.models import Application
from curation.views.access import requires, select_application


@require_POST
@requires("read")
def select(request: HttpRequest) -> HttpResponse:
    """Look at another application: the same page of it, if the page is not about one thing of the old one."""
    identifier = request.POST.get("application", "")
    application = get_object_or_404(Application, pk=identifier if identifier.isdecimal() else None)
    select_application(request, application)
    section = "/" + request.POST.get("next", "/").lstrip("/").partition("/")[0]
    address = section if section == "/" else f"{section}/"
    allowed = url_has_allowed_host_and_scheme(address, allowed_hosts={request.get_host()})
    return redirect(address if allowed else "home")
