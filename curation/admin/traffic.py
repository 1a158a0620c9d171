"""Traffic: the large tables, shown from the newest row and never counted whole."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from curation.admin.base import CappedPaginator, HistoryAdmin
from curation.models import Query, RouterDecision, ShadowAnswer, TeacherCall, TrafficHour
from curation.selectors.traffic import matching


@admin.register(Query)
class QueryAdmin(HistoryAdmin):
    list_display = ["text", "function", "source", "arrived_at", "corrected", "excluded"]
    list_filter = ["source", "corrected", "excluded"]
    ordering = ["-id"]
    paginator = CappedPaginator
    search_fields = ["text"]
    search_help_text = "Words of the query."

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Query], search_term: str
    ) -> tuple[QuerySet[Query], bool]:
        return matching(queryset, search_term) if search_term else queryset, False


@admin.register(TeacherCall)
class TeacherCallAdmin(HistoryAdmin):
    list_display = ["query_id", "purpose", "function", "model", "latency_ms", "called_at"]
    list_filter = ["purpose"]
    ordering = ["-id"]
    paginator = CappedPaginator


@admin.register(RouterDecision)
class RouterDecisionAdmin(HistoryAdmin):
    list_display = ["query_id", "route", "reason", "student", "confidence", "total_ms", "agrees", "decided_at"]
    list_filter = ["route", "agrees", "audit_due"]
    ordering = ["-query_id"]
    paginator = CappedPaginator


@admin.register(ShadowAnswer)
class ShadowAnswerAdmin(HistoryAdmin):
    list_display = ["query_id", "student", "function", "confidence", "threshold", "answered_at"]
    ordering = ["-query_id"]
    paginator = CappedPaginator


@admin.register(TrafficHour)
class TrafficHourAdmin(HistoryAdmin):
    list_display = ["hour", "application", "route", "source", "requests", "audited", "picked", "picked_disagreed"]
    list_filter = ["application", "route", "source"]
    list_select_related = ["application"]
    date_hierarchy = "hour"
    ordering = ["-hour", "route"]
