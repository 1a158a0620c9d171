"""Distillation runs and the students that they made."""

from __future__ import annotations

from typing import Any

from django.db import models

from curation.models import Application, Job, ToolSetVersion
from training.models.datasets import Dataset


class Family(models.TextChoices):
    ENCODER = "encoder", "Encoder"
    CAUSAL = "causal", "Causal"


class DistillationRun(models.Model):
    """One training of a student on a dataset. Its job says how far it is."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="runs")
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="runs")
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="run")
    family = models.CharField(max_length=10, choices=Family, default=Family.ENCODER)
    config = models.JSONField(default=dict, help_text="Settings of the family, see training.students.families.")
    based_on = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, help_text="The run whose settings were changed for this one."
    )
    curve = models.JSONField(default=list, help_text="Points of the training curves.")
    log = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"run {self.pk}"


class Student(models.Model):
    """A trained small model: its row and its artifact never change."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="students")
    version = models.CharField(max_length=100, unique=True, help_text="Application, family and number.")
    family = models.CharField(max_length=10, choices=Family)
    run = models.OneToOneField(DistillationRun, on_delete=models.PROTECT, related_name="student")
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="students")
    tool_set = models.ForeignKey(ToolSetVersion, on_delete=models.PROTECT)
    artifact = models.CharField(max_length=500, help_text="URL of its folder.")
    manifest_sha256 = models.CharField(max_length=64)
    epsilon = models.FloatField(help_text="Disagreement allowed when its threshold was certified.")
    threshold = models.FloatField(null=True, help_text="Empty: no threshold meets epsilon; not eligible.")
    certified_bound = models.FloatField(null=True)
    report = models.JSONField(help_text="What its training measured.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ()

    def __str__(self) -> str:
        return self.version

    @property
    def latest_evaluation(self) -> Any:
        """On the dataset that it was made from; on others it may have learned what is asked there."""
        return self.evaluations.filter(dataset=self.dataset_id).order_by("-id").first()
