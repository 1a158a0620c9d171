"""Evaluations: a student held against the test split of a dataset."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from curation.ml.calls import Call
from curation.models.traffic import call_of
from training.models.datasets import Dataset, ExampleRoute
from training.models.students import Student


class Evaluation(models.Model):
    """The figures of one student at the threshold that its calibration chose: on a test split, or on live traffic.

    Of live traffic, a window from one time to another, there is no dataset.
    """

    student = models.ForeignKey(Student, on_delete=models.CASCADE, related_name="evaluations")
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, null=True, related_name="evaluations")
    window_from = models.DateTimeField(null=True, help_text="Of live traffic; empty: a dataset’s test split.")
    window_to = models.DateTimeField(null=True)
    regressions = models.JSONField(
        default=list, help_text="Functions that got worse by more than chance explains, with their figures."
    )
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
        return f"{self.student} on {self.dataset or 'live traffic'}"

    @property
    def worse_in_words(self) -> str:
        count = len(self.regressions)
        return f"worse at {count} function{'' if count == 1 else 's'}"

    @property
    def worse_at(self) -> str:
        """The functions that got worse, by name."""
        return ", ".join(row["function"] or "no call" for row in self.regressions)


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

    class Meta:
        ordering = ["-confidence", "id"]
        default_permissions = ()
        indexes = [
            models.Index(fields=["evaluation", "agrees", "-confidence"], name="disagreements"),
            models.Index(fields=["evaluation", "query_id"], name="evaluated_query"),
        ]

    def __str__(self) -> str:
        return self.text

    @property
    def call(self) -> Call | None:
        return call_of(self.function, self.arguments)

    @property
    def student_call(self) -> Call | None:
        return call_of(self.student_function, self.student_arguments)


class Verdict(models.TextChoices):
    STUDENT = "student", "The student was right"
    TEACHER = "teacher", "The teacher was right"
    BOTH = "both", "Both were right"
    NEITHER = "neither", "Neither was right"


class Judgement(models.Model):
    """What a reviewer says about a disagreement. Rows are only ever added; what was undone says by whom."""

    example = models.ForeignKey(EvaluationExample, on_delete=models.CASCADE, related_name="judgements")
    verdict = models.CharField(max_length=10, choices=Verdict)
    batch = models.UUIDField(null=True, help_text="Of the reviews that changed the reference call because of it.")
    judged_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    carried_from = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        help_text="The verdict on the same answer in an earlier evaluation, whose word this one repeats.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    undone_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["example"], condition=Q(undone_at=None), name="one_verdict_stands")
        ]

    def __str__(self) -> str:
        return f"{self.example}: {self.get_verdict_display().lower()}"
