"""Deleting everything of one user: first how much it is, then, confirmed, the job."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from curation.models import Application
from curation.models.jobs import Trigger
from curation.selectors import retention as selectors
from curation.views.access import requires, with_application
from curation.views.answers import errors_as_messages
from curation.views.sections import render_section
from training.forms.forgetting import ForgetForm
from training.starting import start_forgetting


@never_cache
@require_http_methods(["GET", "POST"])
@requires("administer")
@with_application
def forget(request: HttpRequest, application: Application) -> HttpResponse:
    """The user's id is posted, never in an address: addresses end up in logs."""
    form = ForgetForm(request.POST if request.method == "POST" else None)
    found = None
    if form.is_valid():
        client_id = form.cleaned_data["user"]
        if request.POST.get("confirmed") == "1":
            return _start(request, application, client_id)
        found = selectors.count_of_user(application, client_id)
    context = {
        "form": form,
        "found": found,
        "capped": found == selectors.COUNT_CAP,
        "deletions": selectors.deletions(application),
    }
    return render_section(request, "retention", "training/forget.html", **context)


def _start(request: HttpRequest, application: Application, client_id: str) -> HttpResponse:
    with errors_as_messages(request):
        start_forgetting(application=application, client_id=client_id, trigger=Trigger.PAGE, user=request.user)  # type: ignore[arg-type]
        messages.success(request, "The user’s queries are being deleted; the list of jobs shows how far it is.")
        return redirect("jobs")
    return redirect("forget")
