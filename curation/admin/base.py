"""What the pages of the console share: who may look, who may act, and how long lists are counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold.admin import ModelAdmin

from curation.errors import OdiaError
from curation.selectors.traffic import COUNT_CAP

Row = TypeVar("Row", bound=Model)


class CappedPaginator(Paginator):
    """Counts no more rows than anybody pages through: the large tables are never counted whole."""

    @cached_property
    def count(self) -> int:
        return int(self.object_list.order_by()[: COUNT_CAP * 10].count())  # type: ignore[attr-defined]


class ActsAdmin(ModelAdmin):
    """Actions on the chosen rows, for whom `actions_permission` allows them."""

    actions_permission = "curation.review"

    def has_act_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(self.actions_permission)

    def each(self, request: HttpRequest, rows: QuerySet[Row], act: Callable[[Row], str]) -> None:
        """Do something to each row; what it says, and what cannot be done, become messages."""
        for row in rows:
            try:
                messages.success(request, act(row))
            except OdiaError as error:
                messages.error(request, str(error))


class HistoryAdmin(ActsAdmin):
    """Rows that nobody adds, changes or deletes by hand."""

    list_filter_submit = True
    show_full_result_count = False

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


class SettingsAdmin(HistoryAdmin):
    """Rows that administrators add and change, and nobody deletes, as history rests on them."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("curation.administer")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("curation.administer")
