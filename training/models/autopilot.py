"""The autopilot: which steps of the loop the policy of an application takes alone, and what it did."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from curation.models import Application, Job
from training.models.policies import SHARE


class AutopilotStep(models.TextChoices):
    """The steps, in their order."""

    LABEL = "label", "Ask the teacher about queries without an answer"
    CLUSTER = "cluster", "Cluster new traffic"
    APPROVE_CLUSTERS = "approve_clusters", "Approve clusters by the policy"
    BUILD = "build", "Build a dataset"
    APPROVE_DATASET = "approve_dataset", "Approve the dataset"
    DISTIL = "distil", "Distil a student"
    EVALUATE = "evaluate", "Evaluate champion and challenger on the same examples"
    CANARY = "canary", "Try the student on a part of the users"
    WIDEN = "widen", "Widen the canary, or end the trial"
    PROMOTE = "promote", "Promote the student"


class Autopilot(models.Model):
    """One row per application, from when it is first set. Off by default; each step can be left to a person."""

    application = models.OneToOneField(Application, on_delete=models.CASCADE, related_name="autopilot")
    enabled = models.BooleanField("autopilot", default=False, help_text="Off: it does nothing.")
    left_to_people = models.JSONField(default=list, blank=True, help_text="Steps at which it stops and asks.")
    cluster_after = models.PositiveIntegerField(
        "new queries before a clustering",
        default=1000,
        validators=[MinValueValidator(1)],
        help_text="With an answer, since the last one.",
    )
    distil_after = models.FloatField(
        "change before a distillation",
        default=0.1,
        validators=SHARE,
        help_text="Share of the training examples that are new or called otherwise since the newest student.",
    )
    quiet_minutes = models.PositiveIntegerField(
        "minutes of quiet before a build",
        default=5,
        help_text="So long nobody has decided on a cluster or a call: who is deciding is let finish.",
    )
    first_canary = models.FloatField("first canary share", default=0.05, validators=SHARE)
    trial_answers = models.PositiveIntegerField(
        "answers before the next step of a trial",
        default=200,
        validators=[MinValueValidator(1)],
        help_text="That the challenger gave inline at the present share.",
    )
    label_limit = models.PositiveIntegerField(
        "queries asked about in a day",
        default=2000,
        validators=[MaxValueValidator(1_000_000)],
        help_text="Within the teacher’s own limits.",
    )

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"autopilot of {self.application}"


class AutopilotAction(models.Model):
    """One thing that the autopilot did, or stopped at and asks a person about, or how a person set it.

    Rows are only ever added; words of users who are forgotten are taken out of them.
    """

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="autopilot_actions")
    step = models.CharField(max_length=20, choices=AutopilotStep, blank=True, help_text="Empty: its settings.")
    subject = models.CharField(max_length=200, blank=True, help_text="What it asks about: it asks once.")
    asks = models.BooleanField(default=False, help_text="It stopped here: a person decides.")
    sentence = models.TextField(help_text="What it did, or asks, and why.")
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="+")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", help_text="Empty: the policy."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ()
        indexes = [models.Index(fields=["application", "-id"], name="autopilot_log")]

    def __str__(self) -> str:
        return self.sentence


def cluster_subject(function: str, name: str) -> str:
    """By which a question about a cluster is known again, whatever clustering it is in."""
    return f"{function}: {name}"[:200]
