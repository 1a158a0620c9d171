"""The choice of the application in the header."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from curation.views.access import applications_of, requires, select_application


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
    allowed = url_has_allowed_host_and_scheme(address, allowed_hosts={request.get_host()})
    return redirect(address if allowed else "home")
