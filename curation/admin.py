"""The admin console's view of curation. History is shown, never edited; jobs start as actions."""

from __future__ import annotations

from functools import partial

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as PlainGroupAdmin
from django.contrib.auth.admin import UserAdmin as PlainUserAdmin
from django.contrib.auth.models import Group, User
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from curation import tasks
from curation.errors import OdiaError
from curation.models import (
    Application,
    Cluster,
    Clustering,
    Job,
    Pattern,
    Query,
    Review,
    RouterDecision,
    ShadowAnswer,
    Teacher,
    TeacherCall,
    ToolSetVersion,
)
from curation.models.jobs import JobKind, Trigger
from curation.models.reviews import Decision
from curation.selectors.traffic import COUNT_CAP, matching
from curation.services.cluster_reviews import cluster_decide
from curation.services.jobs import job_cancel, job_create, job_hand_over

admin.site.unregister([User, Group])


class CappedPaginator(Paginator):
    """Counts no more rows than anybody pages through: the large tables are never counted whole."""

    @cached_property
    def count(self) -> int:
        return int(self.object_list.order_by()[: COUNT_CAP * 10].count())  # type: ignore[attr-defined]


class HistoryAdmin(ModelAdmin):
    """Rows that nobody adds, changes or deletes by hand; `actions_permission` allows the actions."""

    list_filter_submit = True
    show_full_result_count = False
    actions_permission = "curation.review"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("curation.read")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_act_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(self.actions_permission)


class SettingsAdmin(HistoryAdmin):
    """Rows that administrators add and change, and nobody deletes, as history rests on them."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("curation.administer")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("curation.administer")


@admin.register(User)
class UserAdmin(PlainUserAdmin, ModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class GroupAdmin(PlainGroupAdmin, ModelAdmin):
    pass


@admin.register(Application)
class ApplicationAdmin(SettingsAdmin):
    list_display = ["name", "slug", "created_at"]
    search_fields = ["name", "slug"]
    prepopulated_fields = {"slug": ["name"]}
    actions = ["cluster"]

    @admin.action(description="Cluster the traffic", permissions=["act"])
    def cluster(self, request: HttpRequest, queryset: QuerySet[Application]) -> None:
        for application in queryset:
            try:
                job = job_create(
                    application=application,
                    kind=JobKind.CLUSTER,
                    trigger=Trigger.ADMIN,
                    user=request.user,  # type: ignore[arg-type]
                )
                job_hand_over(job=job, send=partial(tasks.cluster.delay_on_commit, job.pk))  # type: ignore[attr-defined]
            except OdiaError as error:
                messages.error(request, str(error))
                continue
            messages.success(request, f"The clustering of {application} waits for a worker.")


@admin.register(Teacher)
class TeacherAdmin(SettingsAdmin):
    list_display = ["application", "model", "base_url", "input_price", "output_price"]
    list_select_related = ["application"]


@admin.register(ToolSetVersion)
class ToolSetVersionAdmin(HistoryAdmin):
    list_display = ["__str__", "application", "first_seen_at"]
    list_filter = ["application"]
    list_select_related = ["application"]


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


@admin.register(Clustering)
class ClusteringAdmin(HistoryAdmin):
    list_display = ["__str__", "application", "queries", "patterns"]
    list_filter = ["application"]
    list_select_related = ["application"]


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
        for cluster in queryset:
            try:
                cluster_decide(cluster=cluster, decision=decision, user=request.user)  # type: ignore[arg-type]
                messages.success(request, f"{decision.label}: {cluster}")
            except OdiaError as error:
                messages.error(request, str(error))


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

    @admin.display(description="by", ordering="reviewer")
    def by(self, review: Review) -> str:
        return str(review.reviewer or "policy")


@admin.register(Job)
class JobAdmin(HistoryAdmin):
    list_display = ["__str__", "application", "state", "share", "trigger", "started_by", "created_at", "message"]
    list_filter = ["application", "kind", "state", "trigger"]
    list_select_related = ["application", "started_by"]
    actions_permission = "curation.approve"
    actions = ["cancel"]

    @admin.display(description="progress", ordering="progress")
    def share(self, job: Job) -> str:
        return f"{job.progress:.0%}"

    @admin.action(description="Cancel", permissions=["act"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        for job in queryset:
            job_cancel(job=job)
        messages.info(request, "The jobs were asked to stop.")
