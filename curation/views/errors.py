"""What a refused or lost request is told: a page, or for htmx one sentence."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from curation.identifiers import first_id
from curation.selectors.retention import purge_limit
from curation.views.access import selected_application

STALE = "This page was opened too long ago, or by another account. Load it again, then repeat what you did."


def not_allowed(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403 with the sentence of the exception."""
    return _tell(request, "403.html", 403, str(exception) or "Your account may not do this.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404; a query that was deleted because of its age is told so."""
    return _tell(request, "404.html", 404, _deleted_query(request))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form whose token is not the browser's any more."""
    return _tell(request, "403_csrf.html", 403, STALE)


def _tell(request: HttpRequest, template: str, status: int, sentence: str) -> HttpResponse:
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(sentence, status=status, content_type="text/plain; charset=utf-8")
    return render(request, template, {"sentence": sentence}, status=status)


def _deleted_query(request: HttpRequest) -> str:
    match = request.resolver_match
    key = match.kwargs.get("pk") if match and request.user.is_authenticated else None
    if not isinstance(key, UUID) or key.version != 7:
        return ""
    application = selected_application(request)
    limit = purge_limit(application) if application else None
    if application is None or limit is None or key >= first_id(limit):
        return ""
    return f"This query is older than {application.keep_days} days and was deleted, as the settings ask for."
