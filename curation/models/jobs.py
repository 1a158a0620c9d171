"""Jobs: what the workers do and did. The row is the truth about a job, not the broker."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from curation.models.applications import Application


class JobState(models.TextChoices):
    QUEUED = "queued", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class Trigger(models.TextChoices):
    PAGE = "page", "Page"
    ADMIN = "admin", "Admin console"
    COMMAND = "command", "Command"
    SCHEDULE = "schedule", "Schedule"
    AUTOPILOT = "autopilot", "Autopilot"


class JobKind(models.TextChoices):
    LABEL = "label", "Ask the teacher"
    CLUSTER = "cluster", "Cluster the traffic"
    BUILD = "build", "Build a dataset"
    DISTIL = "distil", "Distil a student"
    EVALUATE = "evaluate", "Evaluate a student"
    DRIFT = "drift", "Look for drift"
    PURGE = "purge", "Delete old queries"
    FORGET = "forget", "Delete a user’s queries"


ENDED = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


class Job(models.Model):
    """One run of one kind of work for an application."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="jobs")
    kind = models.CharField(max_length=20, choices=JobKind)
    parameters = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=JobState, default=JobState.QUEUED)
    trigger = models.CharField(max_length=10, choices=Trigger)
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    phase = models.CharField(max_length=100, blank=True)
    progress = models.FloatField(default=0, help_text="0 to 1")
    message = models.TextField(blank=True, help_text="What it does now, or what went wrong, in a sentence.")
    cancel_requested = models.BooleanField(default=False)
    task = models.CharField(
        max_length=200, blank=True, help_text="The Celery task that does it; empty: the process that made it."
    )
    sent_at = models.DateTimeField(null=True, help_text="When its task was last queued; empty: the broker was away.")
    attempts = models.PositiveSmallIntegerField(default=0, help_text="How often a worker has begun it.")
    result = models.JSONField(default=dict, help_text="What it made.")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["application", "kind", "parameters"],
                condition=Q(state__in=["queued", "running"]),
                name="one_job_at_a_time_for_the_same_input",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.get_state_display().lower()})"

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def unstarted(self) -> bool:
        """Whether it only says why the schedule could not start it; no input was chosen then."""
        return self.trigger == Trigger.SCHEDULE and not self.task
