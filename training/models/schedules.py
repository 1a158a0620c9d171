"""What can be put on the schedule, and how often. The rows are django-celery-beat's own."""

from __future__ import annotations

import json

from django.db import models

from curation.models import Application


class Work(models.TextChoices):
    """What administrators schedule, by the name of its task."""

    LABEL = "curation.tasks.label_scheduled", "Ask the teacher about queries without an answer"
    CLUSTER = "curation.tasks.cluster_scheduled", "Cluster the traffic"
    BUILD = "training.tasks.build_scheduled", "Build a dataset"
    DISTIL = "training.tasks.distil_scheduled", "Distil a student"
    EVALUATE = "training.tasks.evaluate_scheduled", "Evaluate on live traffic"


BUILT_IN = {
    "training.tasks.audit": "Ask the teachers about inline answers",
    "training.tasks.autopilot": "Take the autopilot’s next steps",
    "curation.tasks.recover_jobs": "Take up jobs whose process died",
    "curation.tasks.purge_scheduled": "Delete old queries",
    "training.tasks.drift_scheduled": "Look for drift",
}
"""What the settings schedule for all applications."""


class Rhythm(models.TextChoices):
    DAILY = "daily", "Every day"
    WEEKLY = "weekly", "Every week"
    HOURS = "hours", "Every so many hours"


class Weekday(models.TextChoices):
    """As crontab counts them."""

    MONDAY = "1", "Monday"
    TUESDAY = "2", "Tuesday"
    WEDNESDAY = "3", "Wednesday"
    THURSDAY = "4", "Thursday"
    FRIDAY = "5", "Friday"
    SATURDAY = "6", "Saturday"
    SUNDAY = "0", "Sunday"


def arguments_of(application: Application) -> str:
    """What the tasks of an application are called with; its rows on the schedule are known by it."""
    return json.dumps({"application_id": application.pk})
