"""One cluster: the evidence, the samples, the decision."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from curation.forms.clusters import ClusterFilterForm
from curation.models import Application, Cluster
from curation.models.reviews import Decision
from curation.selectors import clusters as selectors
from curation.services.cluster_reviews import cluster_decide
from curation.views.access import requires, with_application
from curation.views.answers import answer, errors_as_messages


@require_GET
@requires("read")
@with_application
def cluster_page(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    cluster = get_object_or_404(Cluster.objects.defer("centroid"), application=application, pk=pk)
    wanted = ClusterFilterForm(request.GET).wanted()
    reviews = selectors.reviews_of_cluster(cluster)
    patterns = selectors.patterns_of(cluster)
    context = {
        "cluster": cluster,
        "in_force": selectors.clustering_in_force(application) == cluster.clustering,
        "evidence": selectors.evidence_of(cluster),
        "patterns": patterns[: selectors.PATTERNS_SHOWN],
        "more_patterns": len(patterns) - selectors.PATTERNS_SHOWN,
        "samples": selectors.samples_of(cluster),
        "contradictions": selectors.contradictions_of(cluster),
        "reviews": reviews,
        "undoable": selectors.last_decision(application, request.user),  # type: ignore[arg-type]
        "near": selectors.neighbours(cluster, selectors.clusters_of(cluster.clustering, **wanted)),
        "kept": request.GET.urlencode(),
    }
    return answer(request, "curation/cluster.html", "cluster", context)


@require_POST
@requires("review")
@with_application
def decide(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    """Approve or reject, then go on to the next undecided cluster, or to the list when none is left."""
    cluster = get_object_or_404(Cluster.objects.defer("centroid"), application=application, pk=pk)
    decision = Decision.APPROVE if request.POST.get("decision") == "approve" else Decision.REJECT
    with errors_as_messages(request):
        cluster_decide(
            cluster=cluster,
            decision=decision,
            user=request.user,  # type: ignore[arg-type]
            expected_status=request.POST.get("status"),
        )
        messages.success(request, f"{decision.label}: {cluster.name}")
        following = selectors.next_undecided(cluster)
        return _go_to(request, following) if following else redirect("clusters")
    return _go_to(request, cluster.pk)


def _go_to(request: HttpRequest, pk: int) -> HttpResponse:
    """To another cluster, within the same list."""
    kept = request.GET.urlencode()
    return redirect(reverse("cluster", args=[pk]) + (f"?{kept}" if kept else ""))
