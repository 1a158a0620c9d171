"""One cluster: the evidence, the samples, the contradictions, the decision."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from curation.forms.clusters import ClusterFilterForm, whole_numbers
from curation.models import Application, Cluster, Pattern
from curation.models.reviews import Decision
from curation.selectors import clusters as queue
from curation.selectors import one_cluster as selectors
from curation.selectors.contradictions import contradictions_of
from curation.services.cluster_reviews import cluster_decide
from curation.services.contradictions import contradiction_settle
from curation.views.access import requires, with_application
from curation.views.answers import answer, errors_as_messages
from curation.views.clusters import filter_part, signed_in

UNKNOWN = UUID(int=0)
"""The key of no row."""


@require_GET
@requires("read")
@with_application
def cluster_page(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    cluster = find_cluster(application, pk)
    functions = queue.functions_of(cluster.clustering)
    wanted = ClusterFilterForm(request.GET, functions).wanted()
    newest = queue.newest_reviews([cluster.pk]).get(cluster.pk)
    patterns = selectors.patterns_page(cluster, next(iter(whole_numbers([request.GET.get("patterns", "")])), 1))
    selected = selected_patterns(request, cluster)
    context = {
        "cluster": cluster,
        "version": queue.version_of(cluster, newest),
        "newest": newest,
        "is_open": queue.is_open(cluster),
        "is_in_force": queue.is_in_force(cluster),
        "replaced_by": selectors.replacements_of(cluster),
        "standing": queue.standing_of(cluster.clustering),
        "evidence": selectors.evidence_of(cluster),
        "patterns": patterns,
        "selected": {pattern.pk for pattern in selected},
        "selected_elsewhere": [pattern for pattern in selected if pattern not in patterns.rows],
        "samples": selectors.samples_of(cluster),
        "contradictions": contradictions_of(cluster),
        "nearest": selectors.nearest_clusters(cluster),
        "reviews": selectors.reviews_of_cluster(cluster),
        "undoable": queue.last_decision(application, signed_in(request)),
        "near": queue.neighbours(cluster, queue.clusters_of(cluster.clustering, wanted)),
        "kept": filter_part(request.GET),
        "kept_fields": list(QueryDict(filter_part(request.GET)).items()),
    }
    return answer(request, "curation/cluster.html", "cluster", context)


@require_POST
@requires("review")
@with_application
def decide(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    """Approve or reject, then go on to the next cluster that waits in the list, or to the list when none is left."""
    cluster = find_cluster(application, pk)
    decision = Decision.APPROVE if request.POST.get("decision") == "approve" else Decision.REJECT
    with errors_as_messages(request):
        cluster_decide(cluster=cluster, decision=decision, user=signed_in(request), seen=request.POST.get("seen", ""))
        messages.success(request, f"{decision.label}: {cluster.name}")
        return to_next(request, cluster)
    return to_cluster(request, cluster.pk)


@require_POST
@requires("review")
@with_application
def settle(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    """Give all queries with one text the same call, or exclude them all."""
    cluster = find_cluster(application, pk)
    exclude = "exclude" in request.POST
    with errors_as_messages(request):
        done = contradiction_settle(
            cluster=cluster,
            key=_uuid(request.POST.get("contradiction", "")) or UNKNOWN,
            answer=None if exclude else _uuid(request.POST.get("answer", "")) or UNKNOWN,
            seen=request.POST.get("seen", ""),
            user=signed_in(request),
        )
        what = "Excluded from datasets" if exclude else "This call is now that of"
        messages.success(request, f"{what}: queries with this text, {done.changed} in all. Press u to undo it.")
    return to_cluster(request, cluster.pk, "#contradictions")


def find_cluster(application: Application, pk: int) -> Cluster:
    rows = Cluster.objects.select_related("clustering", "application", "inherited_from").defer(
        "centroid", "inherited_from__centroid", "inherited_from__evidence", "inherited_from__samples"
    )
    return get_object_or_404(rows, application=application, pk=pk)


def selected_patterns(request: HttpRequest, cluster: Cluster) -> list[Pattern]:
    """The cluster's patterns that are ticked, picked on the map, or those of queries that are ticked."""
    pick = request.GET.get("pick", "").split(",")
    keys = whole_numbers([*request.GET.getlist("pattern"), *pick])
    queries = [key for text in request.GET.getlist("query") if (key := _uuid(text))]
    return selectors.selected_patterns(cluster, keys, queries)


def to_next(request: HttpRequest, cluster: Cluster) -> HttpResponse:
    """The next cluster of the list that waits for a decision, or the list."""
    functions = queue.functions_of(cluster.clustering)
    following = queue.next_in_queue(cluster, ClusterFilterForm(request.GET, functions).wanted())
    if following:
        return to_cluster(request, following)
    return redirect(f"{reverse('clusters')}?{filter_part(request.GET)}")


def to_cluster(request: HttpRequest, pk: int, place: str = "") -> HttpResponse:
    """To a cluster, within the same list."""
    kept = filter_part(request.GET)
    return redirect(reverse("cluster", args=[pk]) + (f"?{kept}" if kept else "") + place)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
