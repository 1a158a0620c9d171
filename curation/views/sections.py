"""The sections of the settings, as tabs above each of them."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

SECTIONS = (
    ("settings", "Application"),
    ("settings_teacher", "Teacher"),
    ("settings_policy", "Policy"),
    ("autopilot", "Autopilot"),
    ("settings_keys", "API keys"),
    ("schedule", "Schedule"),
    ("retention", "Retention"),
    ("people", "Users"),
    ("applications", "Applications"),
)


def render_section(request: HttpRequest, section: str, template: str, **context: Any) -> HttpResponse:
    """A page of the settings under the tab of its section."""
    tabs = [
        {"href": reverse(name), "label": label, "current": name == section, "count": None} for name, label in SECTIONS
    ]
    return render(request, template, {"section": section, "tabs": tabs, **context})
