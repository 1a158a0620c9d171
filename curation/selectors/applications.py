"""Reads of an application and its tool sets."""

from __future__ import annotations

from typing import TypeVar

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Model, QuerySet

from curation.models import Application

Row = TypeVar("Row", bound=Model)


def visible_to(user: User | AnonymousUser, rows: QuerySet[Row], application: str) -> QuerySet[Row]:
    """The rows of the applications that a user may look at: administrators all, others those they are members of.

    `application` is the look-up that leads from a row to its application.
    """
    if user.has_perm("curation.administer"):
        return rows
    return rows.filter(**{f"{application}__in": Application.objects.filter(members=user.pk)})


def function_names(application: Application) -> list[str]:
    """The functions of the newest tool set, in its order."""
    newest = application.tool_sets.first()
    return [tool["function"]["name"] for tool in newest.tools] if newest else []


def applications_with_members() -> QuerySet[Application]:
    """All applications, with their members in one further query."""
    return Application.objects.prefetch_related("members").select_related("teacher")
