"""The sidebar of the admin console: its pages in groups, each shown to those who may open it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse_lazy

READ, ADMINISTER = "curation.read", "curation.administer"

CONSOLE: dict[str, list[tuple[str, str, str, str]]] = {
    "Applications": [
        ("Applications", "curation_application", "apps", READ),
        ("Teachers", "curation_teacher", "school", READ),
        ("Teachers’ spending", "curation_teacherspending", "payments", READ),
        ("Tool sets", "curation_toolsetversion", "build", READ),
        ("Routing policies", "training_routingpolicy", "alt_route", READ),
        ("Autopilots", "training_autopilot", "flight", READ),
        ("API keys", "training_apikey", "key", READ),
    ],
    "Traffic": [
        ("Queries", "curation_query", "chat", READ),
        ("Teacher calls", "curation_teachercall", "psychology", READ),
        ("Router decisions", "curation_routerdecision", "call_split", READ),
        ("Shadow answers", "curation_shadowanswer", "contrast", READ),
        ("Sums per hour", "curation_traffichour", "bar_chart", READ),
        ("Without a usable answer", "curation_unusable", "help", READ),
    ],
    "Review": [
        ("Clusterings", "curation_clustering", "bubble_chart", READ),
        ("Clusters", "curation_cluster", "workspaces", READ),
        ("Patterns", "curation_pattern", "pattern", READ),
        ("Reviews", "curation_review", "history", READ),
    ],
    "Learning": [
        ("Datasets", "training_dataset", "dataset", READ),
        ("Dataset examples", "training_datasetexample", "list", READ),
        ("Runs", "training_distillationrun", "model_training", READ),
        ("Students", "training_student", "smart_toy", READ),
        ("Evaluations", "training_evaluation", "monitoring", READ),
        ("Evaluation examples", "training_evaluationexample", "list", READ),
        ("Verdicts", "training_judgement", "gavel", READ),
    ],
    "In service": [
        ("Aliases", "training_alias", "label", READ),
        ("Promotions", "training_promotion", "trending_up", READ),
        ("Audit tallies", "training_audittally", "fact_check", READ),
        ("Switched off", "training_switchoff", "block", READ),
        ("Drift", "training_driftreport", "trending_flat", READ),
    ],
    "Jobs": [
        ("What autopilots did", "training_autopilotaction", "flight_takeoff", READ),
        ("Jobs", "curation_job", "work", READ),
        ("Schedule", "django_celery_beat_periodictask", "schedule", ADMINISTER),
        ("Times of day", "django_celery_beat_crontabschedule", "alarm", ADMINISTER),
        ("Intervals", "django_celery_beat_intervalschedule", "timer", ADMINISTER),
    ],
    "People": [
        ("Users", "auth_user", "person", "auth.view_user"),
        ("Groups", "auth_group", "group", "auth.view_group"),
        ("Users who were forgotten", "curation_forgottenuser", "person_off", ADMINISTER),
        ("Failed sign-ins", "curation_signinfailure", "lock", ADMINISTER),
    ],
}
"""Title, model, icon, permission of each page, by the title of its group."""


def page(title: str, model: str, icon: str, permission: str) -> dict[str, Any]:
    """An entry of the sidebar, as unfold takes it."""
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{model}_changelist"),
        "permission": _allows(permission),
    }


def _allows(permission: str) -> Callable[[HttpRequest], bool]:
    return lambda request: request.user.has_perm(permission)
