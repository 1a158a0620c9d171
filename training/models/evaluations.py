"""Evaluations: a student held against the test split of a dataset."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from curation.ml.calls import Call
from curation.models.traffic import call_of
from training.models.datasets import Dataset, ExampleRoute
from training.models.students import Student


class Evaluation(models.Model):
    """The figures of one student on one test split, at the threshold that its calibration chose."""

    student = models.ForeignKey(Student, on_delete=models.CASCADE, related_name="evaluations")
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="evaluations")
    threshold = models.FloatField(null=True)
    figures = models.JSONField(help_text="As `manage.py benchmark` prints them.")
    curve = models.JSONField(help_text="Points of the risk-coverage curve.")
    per_function = models.JSONField(help_text="The worst first.")
    system_latency = models.JSONField(help_text="Expected, median and p90 with and without ODIA, in milliseconds.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.student} on {self.dataset}"


class Verdict(models.TextChoices):
    STUDENT = "student", "The student was right"
    TEACHER = "teacher", "The teacher was right"
    BOTH = "both", "Both were right"
    NEITHER = "neither", "Neither was right"


class EvaluationExample(models.Model):
    """One test example with the student's answer beside the reference call."""

    evaluation = models.ForeignKey(Evaluation, on_delete=models.CASCADE, related_name="examples")
    query_id = models.UUIDField()
    text = models.TextField()
    route = models.CharField(max_length=10, choices=ExampleRoute)
    weight = models.PositiveIntegerField()
    function = models.CharField(max_length=200, blank=True)
    arguments = models.JSONField(default=dict)
    student_function = models.CharField(max_length=200, blank=True)
    student_arguments = models.JSONField(default=dict)
    confidence = models.FloatField()
    served_by = models.CharField(max_length=10, blank=True, help_text="memo, student, or empty: the teacher.")
    agrees = models.BooleanField()
    verdict = models.CharField(max_length=10, choices=Verdict, blank=True)
    judged_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)

    class Meta:
        ordering = ["-confidence", "id"]
        default_permissions = ()
        indexes = [models.Index(fields=["evaluation", "agrees", "-confidence"], name="disagreements")]

    def __str__(self) -> str:
        return self.text

    @property
    def call(self) -> Call | None:
        return call_of(self.function, self.arguments)

    @property
    def student_call(self) -> Call | None:
        return call_of(self.student_function, self.student_arguments)
