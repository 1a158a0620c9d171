"""Who may see and do what, and which application is looked at."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django_htmx.http import HttpResponseClientRedirect

from curation.models import Application
from curation.selectors.applications import visible_to

SESSION_KEY = "application"
REFUSALS = {
    "read": "Your account may not look at this yet. Ask an administrator to put you in the group “viewer”.",
    "review": "Only reviewers may decide on clusters and calls. Ask an administrator for the group “reviewer”.",
    "approve": "Only approvers may approve datasets, start runs, promote and roll back. Ask an administrator for "
    "the group “approver”.",
    "administer": "Only administrators may change applications, keys, teachers and schedules.",
}

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def requires(permission: str) -> Callable[[View[P]], View[P]]:
    """Lets a user with `curation.<permission>` in; the others get the sign-in page, or 403 with a sentence."""

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return _to_sign_in(request)
            if not request.user.has_perm(f"curation.{permission}"):
                raise PermissionDenied(REFUSALS[permission])
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def _to_sign_in(request: HttpRequest) -> HttpResponseBase:
    """The sign-in page, from which people come back to the page that they were on, not to a part of it or a button."""
    htmx = request.htmx  # type: ignore[attr-defined]
    if htmx:
        return HttpResponseClientRedirect(redirect_to_login(htmx.current_url_abs_path or "/").url)
    asks = request.method in ("GET", "HEAD")
    return redirect_to_login(request.get_full_path() if asks else _page_before(request))


def _page_before(request: HttpRequest) -> str:
    """The page whose button was pressed, if it is one of ours."""
    page = urlsplit(request.headers.get("Referer", ""))
    return page._replace(scheme="", netloc="").geturl() if page.netloc == request.get_host() else "/"


def with_application(
    view: Callable[Concatenate[HttpRequest, Application, P], HttpResponseBase],
) -> View[P]:
    """Passes the selected application as the second argument; without any, the page says how to make one.

    What is about one row, or writes, is not found then.
    """

    @wraps(view)
    def selected(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        application = selected_application(request)
        if application is None:
            found = request.method in ("GET", "HEAD") and not kwargs
            return render(request, "components/no_application.html", status=200 if found else 404)
        return view(request, application, *args, **kwargs)

    return selected


def selected_application(request: HttpRequest) -> Application | None:
    """The application chosen in the header, or else the first one; None where there is none."""
    choices = applications_of(request)
    chosen = request.session.get(SESSION_KEY)
    return next((choice for choice in choices if choice.pk == chosen), choices[0] if choices else None)


def applications_of(request: HttpRequest) -> list[Application]:
    """The applications that the user may look at, which the header offers; read once per request."""
    if not hasattr(request, "_applications"):
        rows = visible_to(request.user, Application.objects.all(), "pk")
        request._applications = list(rows)  # type: ignore[attr-defined]
    return request._applications  # type: ignore[attr-defined]


def select_application(request: HttpRequest, application: Application) -> None:
    request.session[SESSION_KEY] = application.pk
