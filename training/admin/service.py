"""Students in service: who answers, what audits say of it, how the traffic drifts."""

from __future__ import annotations

from django.contrib import admin

from training.admin.base import LearnedAdmin
from training.models import Alias, AuditTally, DriftReport, Promotion, SwitchOff


@admin.register(Alias)
class AliasAdmin(LearnedAdmin):
    list_display = ["name", "application", "student"]
    list_select_related = ["application", "student"]


@admin.register(Promotion)
class PromotionAdmin(LearnedAdmin):
    list_display = ["created_at", "application", "alias", "student", "previous", "promoted_by"]
    list_filter = ["application", "alias"]
    list_select_related = ["application", "student", "previous", "promoted_by"]
    date_hierarchy = "created_at"


@admin.register(AuditTally)
class AuditTallyAdmin(LearnedAdmin):
    application_path = "student__application"
    list_display = ["student", "what", "audited", "disagreed"]
    list_filter = ["student__application"]
    list_select_related = ["student"]
    ordering = ["-student", "function"]

    @admin.display(description="function", ordering="function")
    def what(self, tally: AuditTally) -> str:
        return tally.function or "all in service"


@admin.register(SwitchOff)
class SwitchOffAdmin(LearnedAdmin):
    list_display = ["created_at", "application", "student", "what", "reason", "lifted_at", "lifted_by"]
    list_filter = ["application"]
    list_select_related = ["application", "student", "lifted_by"]

    @admin.display(description="function", ordering="function")
    def what(self, switch_off: SwitchOff) -> str:
        return switch_off.function or "everything"


@admin.register(DriftReport)
class DriftReportAdmin(LearnedAdmin):
    list_display = ["created_at", "application", "queries", "unknown", "raised"]
    list_filter = ["application"]
    list_select_related = ["application"]
    date_hierarchy = "created_at"

    @admin.display(ordering="unknown_share")
    def unknown(self, report: DriftReport) -> str:
        return "–" if report.unknown_share is None else f"{report.unknown_share:.1%}"

    @admin.display(description="alarms")
    def raised(self, report: DriftReport) -> int:
        return len(report.alarms)
