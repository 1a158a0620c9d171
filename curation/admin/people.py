"""Users and groups, as Django has them, for administrators."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as PlainGroupAdmin
from django.contrib.auth.admin import UserAdmin as PlainUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from curation.admin.base import HistoryAdmin
from curation.models import ForgottenUser, SignInFailure

admin.site.unregister([User, Group])


@admin.register(User)
class UserAdmin(PlainUserAdmin, ModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class GroupAdmin(PlainGroupAdmin, ModelAdmin):
    pass


@admin.register(ForgottenUser)
class ForgottenUserAdmin(HistoryAdmin):
    """Who was forgotten is not shown: only that it was done, and what is gone."""

    list_display = ["until", "application", "asked_by", "deleted", "done_at"]
    list_filter = ["application"]
    list_select_related = ["application", "asked_by"]
    exclude = ["client_id", "mark"]

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("curation.administer")


@admin.register(SignInFailure)
class SignInFailureAdmin(HistoryAdmin):
    list_display = ["failed_at", "username", "address"]
    search_fields = ["username", "address"]
    ordering = ["-id"]

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("curation.administer")
