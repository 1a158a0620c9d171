"""Keys, policies and autopilots."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from training.admin.base import LearnedAdmin
from training.models import ApiKey, Autopilot, AutopilotAction, RoutingPolicy
from training.services.keys import key_revoke


@admin.register(ApiKey)
class ApiKeyAdmin(LearnedAdmin):
    list_display = ["prefix", "label", "application", "requests_per_minute", "created_at", "last_used_at", "revoked_at"]
    list_filter = ["application"]
    list_select_related = ["application"]
    exclude = ["sha256"]
    actions_permission = "curation.administer"
    actions = ["revoke"]

    @admin.action(description="Revoke", permissions=["act"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for key in queryset.select_related("application"):
            key_revoke(key=key, user=request.user)  # type: ignore[arg-type]
        messages.success(request, "The keys stop working within two seconds.")


@admin.register(RoutingPolicy)
class RoutingPolicyAdmin(LearnedAdmin):
    """The audit share is set on its page, which records from which value: samples of older traffic go by it."""

    list_display = ["application", "inline", "epsilon", "function_epsilon", "audit_share", "canary_share", "shadow"]
    list_select_related = ["application"]
    readonly_fields = ["application", "canary_share", "shadow", "audit_share"]

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("curation.administer")


@admin.register(Autopilot)
class AutopilotAdmin(LearnedAdmin):
    """Set on its page, where each change is written down."""

    list_display = ["application", "enabled", "left_to_people"]
    list_select_related = ["application"]


@admin.register(AutopilotAction)
class AutopilotActionAdmin(LearnedAdmin):
    list_display = ["created_at", "application", "step", "asks", "sentence", "user"]
    list_filter = ["application", "step", "asks"]
    list_select_related = ["application", "user"]
    date_hierarchy = "created_at"
