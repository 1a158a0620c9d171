"""The traffic page: search, filters, and pages by key."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from curation.forms.traffic import TrafficFilterForm
from curation.identifiers import first_id, time_of
from curation.models import Application, Query
from curation.selectors import traffic as selectors
from curation.selectors.facets import Facet, outline
from curation.views.access import requires, with_application
from curation.views.answers import answer


@require_GET
@requires("read")
@with_application
def traffic(request: HttpRequest, application: Application) -> HttpResponse:
    """The list, or for htmx the part of it below the filter."""
    return answer(request, "curation/traffic.html", "results", listing(request, application))


def listing(request: HttpRequest, application: Application, at: UUID | None = None) -> dict[str, Any]:
    """What the list shows for the filter in the address: the page in it, or the one on which the query `at` is."""
    form = filter_of(request, application)
    wanted = form.wanted()
    queries = selectors.queries_of(application, wanted)
    edge = selectors.edge_of(application, wanted)
    passing, facets, keys = outline(selectors.down_to(queries, edge))
    before, after = _key(request, "before"), _key(request, "after")
    if before:
        edge = selectors.edge_of(application, wanted, before)
    page = _page(selectors.down_to(queries, edge), keys, before, after)
    if at and all(row.pk != at for row in page.rows):
        page = selectors.page_of(queries, before=UUID(int=at.int + 1))
    return {
        "form": form,
        "page": page,
        "count": passing,
        "facets": [_linked(form, facet) for facet in facets],
        "chips": form.chips(selectors.names_of(application, wanted)),
        "here": place(request, form),
        "as_of": first_id(timezone.now()),
        "seen": selectors.newest_review(application),
        "scanned": selectors.SCAN_LIMIT if edge else None,
        "looked_back_to": time_of(edge) if edge else None,
        **_addresses(form, page, edge),
    }


def _page(
    queries: QuerySet[Query], newest: list[UUID], before: UUID | None, after: UUID | None
) -> selectors.TrafficPage:
    return selectors.page_of(queries, before, after) if before or after else selectors.first_page(newest)


def filter_of(request: HttpRequest, application: Application) -> TrafficFilterForm:
    """The filter in the address."""
    return TrafficFilterForm(request.GET, selectors.functions_seen(application))


def place(request: HttpRequest, form: TrafficFilterForm) -> str:
    """The filter and the page of the list, as they stand in an address."""
    return form.address(**{name: request.GET[name] for name in ("before", "after") if _key(request, name)})


def _linked(form: TrafficFilterForm, facet: Facet) -> dict[str, Any]:
    values = [(value, f"?{form.address(**{facet.name: value.value})}") for value in facet.values]
    return {"label": form.fields[facet.name].label, "values": values}


def _addresses(form: TrafficFilterForm, page: selectors.TrafficPage, edge: UUID | None) -> dict[str, str]:
    """Where the pages beside this one are; and where to look on, where the list was not looked through to its end."""
    base = reverse("traffic")
    newer = f"{base}?{form.address(after=str(page.rows[0].pk))}" if page.rows and page.has_newer else ""
    older = f"{base}?{form.address(before=str(page.rows[-1].pk))}" if page.rows and page.has_older else ""
    further = f"{base}?{form.address(before=str(edge))}" if edge and not older else ""
    return {"newer": newer, "older": older, "further": further}


def _key(request: HttpRequest, name: str) -> UUID | None:
    try:
        return UUID(request.GET.get(name, ""))
    except ValueError:
        return None
