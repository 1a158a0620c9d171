"""Retention: how long queries are kept, and what that deletes."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from curation import tasks
from curation.forms.settings import RetentionForm
from curation.models import Application
from curation.models.jobs import Trigger
from curation.selectors import retention as selectors
from curation.services.settings_log import form_save
from curation.views.access import requires, with_application
from curation.views.answers import errors_as_messages
from curation.views.sections import render_section


@require_http_methods(["GET", "POST"])
@requires("administer")
@with_application
def retention(request: HttpRequest, application: Application) -> HttpResponse:
    form = RetentionForm(request.POST if request.method == "POST" else None, instance=application)
    if form.is_valid():
        form_save(form=form, application=application, user=request.user)  # type: ignore[arg-type]
        messages.success(request, "Saved.")
        return redirect("retention")
    application.refresh_from_db(fields=["keep_days", "mask_personal"])
    limit = selectors.purge_limit(application)
    older = selectors.count_older(application, limit) if limit else 0
    context = {
        "form": form,
        "limit": limit,
        "older": older,
        "capped": older == selectors.COUNT_CAP,
        "oldest": selectors.oldest_query(application),
    }
    return render_section(request, "retention", "curation/retention.html", **context)


@require_POST
@requires("administer")
@with_application
def purge(request: HttpRequest, application: Application) -> HttpResponse:
    """Delete what is too old now, without waiting for the night."""
    with errors_as_messages(request):
        tasks.start_purge(application=application, trigger=Trigger.PAGE, user=request.user)  # type: ignore[arg-type]
        messages.success(request, "The old queries are being deleted; the list of jobs shows how far it is.")
        return redirect("jobs")
    return redirect("retention")
