"""The traffic page: search, filters, and pages by key."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_GET

from curation.forms.traffic import TrafficFilterForm
from curation.models import Application, Cluster
from curation.selectors import traffic as selectors
from curation.selectors.applications import function_names
from curation.views.access import requires, with_application
from curation.views.answers import answer


@require_GET
@requires("read")
@with_application
def traffic(request: HttpRequest, application: Application) -> HttpResponse:
    """The list, or for htmx the part of it below the filter."""
    form = TrafficFilterForm(request.GET, function_names(application))
    wanted = form.wanted()
    queries = selectors.queries_of(application, wanted)
    page = selectors.page_of(queries, _key(request, "before"), _key(request, "after"))
    context = {
        "form": form,
        "page": page,
        "count": selectors.capped_count(queries),
        "kept": filter_part(request.GET),
        "cluster": Cluster.objects.filter(application=application, pk=wanted.cluster or 0).first(),
        **_addresses(request.GET, page),
    }
    return answer(request, "curation/traffic.html", "results", context)


def filter_part(given: QueryDict) -> str:
    """The filter as it stands in an address, without the place in the list."""
    kept = given.copy()
    for name in [name for name, value in kept.items() if not value or name in ("before", "after", "correct")]:
        del kept[name]
    return kept.urlencode()


def _addresses(given: QueryDict, page: selectors.TrafficPage) -> dict[str, str]:
    base = f"{reverse('traffic')}?{filter_part(given)}"
    newer = f"{base}&after={page.rows[0].pk}" if page.rows and page.has_newer else ""
    older = f"{base}&before={page.rows[-1].pk}" if page.rows and page.has_older else ""
    return {"newer": newer, "older": older}


def _key(request: HttpRequest, name: str) -> UUID | None:
    try:
        return UUID(request.GET.get(name, ""))
    except ValueError:
        return None
