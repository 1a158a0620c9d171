"""The list of clusters with their map, and decisions on several of them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from curation.errors import OdiaError
from curation.forms.clusters import ClusterFilterForm, versions_of
from curation.models import Application, Cluster
from curation.models.reviews import Decision
from curation.selectors import clusters as selectors
from curation.selectors.cluster_map import MAP_POINTS, map_figure
from curation.services.cluster_reviews import clusters_decide
from curation.services.regrouping import clusters_merge
from curation.views.access import requires, with_application
from curation.views.answers import answer

PER_PAGE = 50


@require_GET
@requires("read")
@with_application
def clusters(request: HttpRequest, application: Application) -> HttpResponse:
    """The clusters by expected time saved; for htmx, the part of the page below the filter."""
    clustering = selectors.clustering_in_force(application)
    form = ClusterFilterForm(request.GET, selectors.functions_of(clustering))
    wanted = form.wanted()
    progress = selectors.progress_by_status(clustering, wanted)
    page = Paginator(selectors.clusters_of(clustering, wanted), PER_PAGE).get_page(request.GET.get("page"))
    rows: list[Any] = list(page)
    context = {
        "clustering": clustering,
        "form": form,
        "clusters": [(cluster, selectors.version(cluster.status, cluster.newest_review)) for cluster in rows],
        "page": page,
        "largest": max((cluster.share for cluster in rows), default=0),
        "wanted": wanted,
        "tabs": _tabs(request.GET, wanted.status, progress),
        "standing": selectors.standing_of(clustering),
        "picked": len(wanted.pick),
        "without_pick": _without(request.GET, "pick"),
        "undoable": selectors.last_decision(application, signed_in(request)),
        "kept": filter_part(request.GET),
    }
    return answer(request, "curation/clusters.html", "results", context)


@require_GET
@requires("read")
@with_application
def cluster_map(request: HttpRequest, application: Application) -> HttpResponse:
    """Every pattern as a point; the most frequent ones where there are too many."""
    clustering = selectors.clustering_in_force(application)
    context = {
        "clustering": clustering,
        "figure": map_figure(application) if clustering else None,
        "most": MAP_POINTS,
    }
    return answer(request, "curation/cluster_map.html", "map", context)


@require_POST
@requires("review")
@with_application
def decide_selected(request: HttpRequest, application: Application) -> HttpResponse:
    """Approve, reject or merge the selected clusters."""
    seen = versions_of(request.POST.getlist("cluster"))
    back = f"{reverse('clusters')}?{filter_part(request.GET)}"
    if not seen:
        messages.warning(request, "No cluster is selected. Tick some in the list, or press x on a row.")
    elif request.POST.get("decision") == "merge":
        return _merge(request, application, seen) or redirect(back)
    else:
        _decide(request, application, seen)
    return redirect(back)


def _decide(request: HttpRequest, application: Application, seen: dict[int, str]) -> None:
    decision = Decision.APPROVE if request.POST.get("decision") == "approve" else Decision.REJECT
    decided = clusters_decide(application=application, seen=seen, decision=decision, user=signed_in(request))
    if decided.changed:
        count = f"{decided.changed} cluster{'' if decided.changed == 1 else 's'}"
        messages.success(request, f"{decision.label}: {count}. Press u to undo it.")
    for reason in decided.refused:
        messages.error(request, reason)


def _merge(request: HttpRequest, application: Application, seen: dict[int, str]) -> HttpResponse | None:
    rows = list(Cluster.objects.filter(application=application, pk__in=seen).defer("centroid"))
    try:
        made = clusters_merge(clusters=rows, user=signed_in(request), seen=seen)
    except OdiaError as error:
        messages.error(request, str(error))
        return None
    messages.success(request, f"{len(rows)} clusters are merged into this one. Decide on it, or press u to undo it.")
    return redirect(f"{reverse('cluster', args=[made.pk])}?{filter_part(request.GET)}")


def filter_part(given: QueryDict) -> str:
    """The filter as it stands in an address, without what is about one cluster."""
    names = ("q", "status", "function", "simplicity", "traffic", "pick")
    kept = QueryDict(mutable=True)
    for name in names:
        value = given.get(name)
        if isinstance(value, str) and value:
            kept[name] = value
    return kept.urlencode(safe=",")


def _without(given: QueryDict, name: str) -> str:
    others = given.copy()
    others.pop(name, None)
    return f"?{filter_part(others)}"


def _tabs(given: QueryDict, status: str, progress: dict[str, selectors.Progress]) -> list[dict[str, Any]]:
    """One for each status, with how many clusters of the filter have it."""
    tabs = []
    for value, label in selectors.STATUSES.items():
        others = given.copy()
        others["status"] = value
        found = progress[value]
        tabs.append(
            {"href": f"?{filter_part(others)}", "label": label, "current": value == status, "count": found.clusters}
        )
    return tabs


def signed_in(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
