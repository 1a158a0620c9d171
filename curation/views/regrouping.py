"""Splitting a cluster, with the parts shown before it is done, and merging it with others."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_POST

from curation.errors import OdiaError
from curation.forms.clusters import versions_of, whole_numbers
from curation.ml.parting import MOST_PARTS
from curation.models import Application, Cluster
from curation.selectors import clusters as queue
from curation.selectors.parts import Part, proposed_parts, selected_parts
from curation.services.regrouping import cluster_split, clusters_merge
from curation.views.access import requires, with_application
from curation.views.answers import answer, errors_as_messages
from curation.views.cluster import find_cluster, selected_patterns, to_cluster
from curation.views.clusters import filter_part, signed_in


@require_http_methods(["GET", "POST"])
@requires("review")
@with_application
def split(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    """The parts that a split would make, by what is selected and by re-clustering; posted, it is done."""
    cluster = find_cluster(application, pk)
    if request.method == "POST":
        return _split(request, cluster)
    number = next(iter(whole_numbers([request.GET.get("parts", "")])), 2)
    selected = selected_patterns(request, cluster)
    proposed: list[Part] = []
    by_selection: list[Part] = []
    problem = "" if queue.is_open(cluster) else "It was replaced, or the traffic was clustered again since."
    try:
        proposed = proposed_parts(cluster, number)
        by_selection = selected_parts(cluster, selected)
    except OdiaError as error:
        problem = str(error)
    context = {
        "cluster": cluster,
        "version": queue.version_of(cluster, queue.newest_reviews([cluster.pk]).get(cluster.pk)),
        "problem": problem,
        "proposed": proposed,
        "selected": selected,
        "by_selection": by_selection,
        "parts": number,
        "choices": range(2, MOST_PARTS + 1),
        "kept": filter_part(request.GET),
    }
    return answer(request, "curation/cluster_split.html", "parts", context)


@require_POST
@requires("review")
@with_application
def merge(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    """Merge the cluster with another one."""
    cluster = find_cluster(application, pk)
    seen = {**versions_of(request.POST.getlist("with")), **versions_of([request.POST.get("seen", "")])}
    others = list(Cluster.objects.filter(application=application, pk__in=seen).exclude(pk=pk).defer("centroid"))
    with errors_as_messages(request):
        made = clusters_merge(clusters=[cluster, *others], user=signed_in(request), seen=seen)
        messages.success(request, "The clusters are merged into this one. Press u to undo it.")
        return to_cluster(request, made.pk)
    return to_cluster(request, cluster.pk)


def _split(request: HttpRequest, cluster: Cluster) -> HttpResponse:
    with errors_as_messages(request):
        if request.POST.get("parts"):
            number = next(iter(whole_numbers([request.POST["parts"]])), 2)
            groups = [[pattern.pk for pattern in part.patterns] for part in proposed_parts(cluster, number)]
        else:
            groups = [list(whole_numbers(request.POST.getlist("pattern")))]
        made = cluster_split(cluster=cluster, parts=groups, user=signed_in(request), seen=request.POST.get("seen", ""))
        messages.success(request, f"Split into {len(made)} clusters, which are to be decided. Press u to undo it.")
        return to_cluster(request, made[0].pk)
    return to_cluster(request, cluster.pk)
