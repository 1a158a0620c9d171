"""What the pages of the console share: who may look, who may act, and how long lists are counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib import messages
from django.contrib.admin import ModelAdmin as PlainModelAdmin
from django.contrib.admin import RelatedFieldListFilter
from django.contrib.admin.utils import get_fields_from_path
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold.admin import ModelAdmin

from curation.errors import OdiaError
from curation.selectors.applications import visible_to
from curation.selectors.traffic import COUNT_CAP

Row = TypeVar("Row", bound=Model)


class CappedPaginator(Paginator):
    """Counts no more rows than anybody pages through: the large tables are never counted whole."""

    @cached_property
    def count(self) -> int:
        return int(self.object_list.order_by()[: COUNT_CAP * 10].count())  # type: ignore[attr-defined]


class VisibleFilter(RelatedFieldListFilter):
    """Offers the rows that the console's own list of them shows."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: PlainModelAdmin) -> list[tuple[str, Any]]:
        shown = model_admin.admin_site.get_model_admin(field.related_model).get_queryset(request)
        ordering = self.field_admin_ordering(field, request, model_admin)
        within = {"pk__in": shown.values("pk")}
        return list(field.get_choices(include_blank=False, ordering=ordering, limit_choices_to=within))


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
    """Rows of the applications that the user may look at, which nobody adds, changes or deletes by hand."""

    list_filter_submit = True
    show_full_result_count = False
    application_path = "application"
    """The look-up that leads from a row to its application."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return visible_to(request.user, super().get_queryset(request), self.application_path)

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        return [(name, VisibleFilter) if self._leads_to_rows(name) else name for name in self.list_filter]

    def _leads_to_rows(self, name: str) -> bool:
        return get_fields_from_path(self.model, name)[-1].is_relation

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
