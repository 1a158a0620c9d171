"""Reads of an application and its tool sets."""

from __future__ import annotations

from curation.models import Application


def function_names(application: Application) -> list[str]:
    """The functions of the newest tool set, in its order."""
    newest = application.tool_sets.first()
    return [tool["function"]["name"] for tool in newest.tools] if newest else []
