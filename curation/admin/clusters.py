"""Clusters, patterns, and the audit trail."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from curation.admin.base import HistoryAdmin
from curation.models import Cluster, Clustering, Pattern, Review
from curation.models.reviews import Decision
from curation.services.cluster_reviews import cluster_decide


@admin.register(Clustering)
class ClusteringAdmin(HistoryAdmin):
    list_display = ["__str__", "application", "queries", "patterns"]
    list_filter = ["application"]
    list_select_related = ["application"]
    date_hierarchy = "created_at"


@admin.register(Cluster)
class ClusterAdmin(HistoryAdmin):
    list_display = ["name", "application", "function", "status", "simple", "traffic", "queries"]
    list_filter = ["application", "status", "function"]
    list_select_related = ["application"]
    search_fields = ["name"]
    exclude = ["centroid"]
    actions = ["approve", "reject"]

    @admin.display(description="simplicity", ordering="simplicity")
    def simple(self, cluster: Cluster) -> str:
        return f"{cluster.simplicity:.0%}"

    @admin.display(description="traffic", ordering="share")
    def traffic(self, cluster: Cluster) -> str:
        return f"{cluster.share:.1%}"

    @admin.action(description="Approve", permissions=["act"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Cluster]) -> None:
        self._decide(request, queryset, Decision.APPROVE)

    @admin.action(description="Reject", permissions=["act"])
    def reject(self, request: HttpRequest, queryset: QuerySet[Cluster]) -> None:
        self._decide(request, queryset, Decision.REJECT)

    def _decide(self, request: HttpRequest, queryset: QuerySet[Cluster], decision: Decision) -> None:
        def decide(cluster: Cluster) -> str:
            cluster_decide(cluster=cluster, decision=decision, user=request.user)  # type: ignore[arg-type]
            return f"{decision.label}: {cluster}"

        self.each(request, queryset, decide)


@admin.register(Pattern)
class PatternAdmin(HistoryAdmin):
    list_display = ["template", "application", "function", "queries"]
    list_filter = ["application", "function"]
    list_select_related = ["application"]
    search_fields = ["template"]
    exclude = ["embedding"]


@admin.register(Review)
class ReviewAdmin(HistoryAdmin):
    list_display = ["created_at", "application", "decision", "cluster", "query_id", "by"]
    list_filter = ["application", "decision"]
    list_select_related = ["application", "cluster", "reviewer"]
    search_fields = ["reviewer__username", "cluster__name"]
    date_hierarchy = "created_at"

    @admin.display(description="by", ordering="reviewer")
    def by(self, review: Review) -> str:
        return str(review.reviewer or "policy")
