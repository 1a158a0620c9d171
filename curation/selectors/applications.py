"""Reads of an application and its tool sets."""

from __future__ import annotations

from django.db.models import QuerySet

from curation.models import Application


def function_names(application: Application) -> list[str]:
    """The functions of the newest tool set, in its order."""
    newest = application.tool_sets.first()
    return [tool["function"]["name"] for tool in newest.tools] if newest else []


def applications_with_members() -> QuerySet[Application]:
    """All applications, with their members in one further query."""
    return Application.objects.prefetch_related("members").select_related("teacher")
