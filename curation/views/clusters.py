"""The list of clusters, and their map."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from curation.forms.clusters import ClusterFilterForm
from curation.models import Application
from curation.models.clusters import ClusterStatus
from curation.selectors import clusters as selectors
from curation.views.access import requires, with_application
from curation.views.answers import answer

LISTED = 200


@require_GET
@requires("read")
@with_application
def clusters(request: HttpRequest, application: Application) -> HttpResponse:
    """The clusters by expected time saved, narrowed by status and function."""
    clustering = selectors.clustering_in_force(application)
    wanted = ClusterFilterForm(request.GET).wanted()
    rows = list(selectors.clusters_of(clustering, **wanted)[: LISTED + 1])
    progress = selectors.progress_by_status(clustering)
    context = {
        "clustering": clustering,
        "clusters": rows[:LISTED],
        "more": len(rows) > LISTED,
        "largest": max((cluster.share for cluster in rows), default=0),
        "wanted": wanted,
        "progress": progress,
        "approved": progress[ClusterStatus.APPROVED],
        "undecided": progress[ClusterStatus.PROPOSED],
        "statuses": [("", "All"), *ClusterStatus.choices],
        "functions": selectors.functions_of(clustering),
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
        "figure": selectors.map_figure(application) if clustering else None,
        "most": selectors.MAP_POINTS,
    }
    return render(request, "curation/cluster_map.html", context)
