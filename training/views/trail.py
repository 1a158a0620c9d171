"""The audit trail: who decided what, when; and its exports."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from curation.models import Application, Query
from curation.views.access import requires, with_application
from training.forms.trail import TrailFilter
from training.selectors import trail as selectors
from training.selectors.trail_events import Event
from training.selectors.trail_exports import csv_lines, json_lines
from training.views.addresses import without

EXPORTS = {"csv": (csv_lines, "text/csv"), "jsonl": (json_lines, "application/jsonl")}


@require_GET
@requires("read")
@with_application
def trail(request: HttpRequest, application: Application) -> HttpResponse:
    """A page of the list, after the place that the address names."""
    form = TrailFilter(request.GET, application=application)
    after = selectors.read_cursor(request.GET.get("after", ""))
    wanted = form.wanted()
    page = selectors.trail_page(application, wanted, after)
    rest = without(request, "after", "form")
    context = {
        "form": form,
        "rows": _rows(page.events),
        "filtered": wanted != selectors.Wanted(),
        "older": f"?{rest}after={_quoted(page.older)}" if page.older else "",
        "newer": f"{reverse('trail')}?{rest}".rstrip("?&") if after else "",
        "exports": [(name, f"{reverse('trail_export')}?{rest}form={name}") for name in EXPORTS],
    }
    return render(request, "training/trail.html", context)


@require_GET
@requires("read")
@with_application
def trail_export(request: HttpRequest, application: Application) -> HttpResponseBase:
    """Everything that the filter shows, streamed, in the `form` that the address names."""
    form = request.GET.get("form", "csv")
    if form not in EXPORTS:
        raise Http404("There is no such export.")
    lines, content_type = EXPORTS[form]
    wanted = TrailFilter(request.GET, application=application).wanted()
    return StreamingHttpResponse(
        lines(application, wanted),
        content_type=f"{content_type}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{application.slug}-audit-trail.{form}"'},
    )


def _rows(events: list[Event]) -> list[tuple[Event, str]]:
    """Each event with the address of what it is about; queries that are deleted have none."""
    asked = {event.key for event in events if event.page == "query"}
    there = set(Query.objects.filter(pk__in=asked).values_list("pk", flat=True)) if asked else set()
    return [(event, _address(event) if event.page != "query" or event.key in there else "") for event in events]


def _address(event: Event) -> str:
    if not event.page:
        return ""
    return reverse(event.page, args=[event.key] if event.key else [])


def _quoted(cursor: selectors.Cursor | None) -> str:
    return str(cursor).replace("+", "%2B").replace(" ", "%20")
