"""Teachers and tool sets. Applications, whose actions start jobs of both apps, are in `training.admin`."""

from __future__ import annotations

from django.contrib import admin

from curation.admin.base import HistoryAdmin, SettingsAdmin
from curation.forms.settings import TeacherForm
from curation.models import Teacher, TeacherSpending, ToolSetVersion, Unusable


class ConsoleTeacherForm(TeacherForm):
    """With the same checks of the address and of the variable with the key as on the page."""

    class Meta(TeacherForm.Meta):
        fields = ["application", *TeacherForm.Meta.fields]


@admin.register(Teacher)
class TeacherAdmin(SettingsAdmin):
    form = ConsoleTeacherForm
    list_display = ["application", "model", "base_url", "input_price", "output_price"]
    list_select_related = ["application"]
    search_fields = ["application__name", "model", "base_url"]


@admin.register(TeacherSpending)
class TeacherSpendingAdmin(HistoryAdmin):
    application_path = "teacher__application"
    list_display = ["day", "teacher", "purpose", "requests", "prompt_tokens", "completion_tokens"]
    list_filter = ["teacher__application", "purpose"]
    list_select_related = ["teacher"]
    date_hierarchy = "day"


@admin.register(Unusable)
class UnusableAdmin(HistoryAdmin):
    list_display = ["asked_at", "application", "query", "reason"]
    list_filter = ["application"]
    list_select_related = ["application", "query"]


@admin.register(ToolSetVersion)
class ToolSetVersionAdmin(HistoryAdmin):
    list_display = ["__str__", "application", "first_seen_at"]
    list_filter = ["application"]
    list_select_related = ["application"]
    search_fields = ["sha256"]
