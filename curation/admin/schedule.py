"""The schedule as django-celery-beat has it, for administrators."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django_celery_beat.admin import PeriodicTaskAdmin as PlainPeriodicTaskAdmin
from django_celery_beat.admin import PeriodicTaskForm, TaskSelectWidget
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

admin.site.unregister([ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule])


class TaskSelect(UnfoldAdminSelectWidget, TaskSelectWidget):
    """The tasks that there are."""


class TaskForm(PeriodicTaskForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        self.fields["regtask"].widget = TaskSelect()


class AdministratorsOnly(ModelAdmin):
    """Whoever may administer may do everything here."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("curation.administer")

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_module_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_module_permission(request)


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(AdministratorsOnly, PlainPeriodicTaskAdmin):
    form = TaskForm
    date_hierarchy = None
    list_display = ["name", "enabled", "scheduler", "last_run_at", "total_run_count"]
    list_filter = ["enabled", "task"]


@admin.register(CrontabSchedule)
class CrontabAdmin(AdministratorsOnly):
    list_display = ["human_readable", "timezone"]


@admin.register(IntervalSchedule)
class IntervalAdmin(AdministratorsOnly):
    list_display = ["__str__"]
