"""Reports of looks for drift, as a look leaves them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from curation.models import Application
from training.models import DriftReport

ALARMS: list[dict[str, Any]] = [
    {"kind": "unknown", "function": "", "sentence": "A third is like nothing that is known.", "queries": []},
    {"kind": "function_share", "function": "", "sentence": "play_music 70% instead of 50%."},
    {"kind": "disagreement", "function": "play_music", "sentence": "20 of 40 differ."},
    {"kind": "teacher_changed", "function": "set_alarm", "sentence": "The calls of set_alarm are others."},
]
"""One of each kind."""


def make_report(application: Application, **values: Any) -> DriftReport:
    """Of a day in which one function rose and audits saw two of forty answers differ."""
    now = timezone.now()
    day = f"{now:%Y-%m-%d}"
    audits = [{"day": day, "function": function, "audited": 40, "disagreed": 2} for function in ("", "play_music")]
    functions = [
        {"function": "play_music", "before": 0.5, "now": 0.7, "queries": 350, "moved": True},
        {"function": "", "before": 0.5, "now": 0.3, "queries": 150, "moved": False},
    ]
    given: dict[str, Any] = {
        "window_from": now - timedelta(days=1),
        "window_to": now,
        "queries": 500,
        "unknown_share": 0.04,
        "functions": functions,
        "audits": audits,
    }
    return DriftReport.objects.create(application=application, **{**given, **values})
