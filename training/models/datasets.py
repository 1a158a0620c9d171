"""Datasets: frozen, hashed lists of examples drawn from approved clusters."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Cast, Concat, Lower

from curation.ml.calls import Call
from curation.models import Application, ToolSetVersion
from curation.models.traffic import call_of


class DatasetStatus(models.TextChoices):
    DRAFT = "draft", "Draft"
    APPROVED = "approved", "Approved"


class Split(models.TextChoices):
    TRAIN = "train", "Train"
    CALIBRATION = "calibration", "Calibration"
    TEST = "test", "Test"


class ExampleRoute(models.TextChoices):
    SIMPLE = "simple", "Simple"
    COMPLEX = "complex", "Complex"
    NO_CALL = "no_call", "No call"


class Fingerprint(models.Func):
    """64 bits that are equal for equal texts, and as good as never for others."""

    function = "hashtextextended"
    template = "%(function)s(%(expressions)s, 0)"
    output_field = models.BigIntegerField()


class OneSpaced(models.Func):
    """A text with one space between its words and none around."""

    function = "regexp_replace"
    template = r"%(function)s(btrim(%(expressions)s), '\s+', ' ', 'g')"
    output_field = models.TextField()


class Dataset(models.Model):
    """A list of examples that never changes once it is built; only its status does."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="datasets")
    version = models.PositiveIntegerField(help_text="Counts up from 1 in each application.")
    tool_set = models.ForeignKey(ToolSetVersion, on_delete=models.PROTECT)
    status = models.CharField(max_length=10, choices=DatasetStatus, default=DatasetStatus.DRAFT)
    sha256 = models.CharField(max_length=64, help_text="Of the canonical JSON of its examples.")
    funnel = models.JSONField(help_text="Queries received, in approved clusters, usable, distinct, selected.")
    balance = models.JSONField(default=dict, help_text="Examples per split and function.")
    clusters = models.JSONField(default=list, help_text="Ids of the approved clusters it was drawn from.")
    choices = models.JSONField(default=dict, help_text="What was chosen at its building, see BuildChoices.")
    history = models.JSONField(default=list, help_text="Who approved it, and who took that back, in order.")
    built_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="Empty: policy.",
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="Empty: policy.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    approved_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["application", "version"], name="one_row_per_dataset_version")]

    def __str__(self) -> str:
        return f"dataset {self.version}"


OWN_CHOICES = models.Q(built_by__isnull=False) & ~models.Q(choices={})
"""Datasets that a person built with choices of their own: theirs to go on with, the autopilot leaves them alone."""


class DatasetExample(models.Model):
    """One query with its reference call, as it was when the dataset was built."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="examples", db_index=False)
    split = models.CharField(max_length=12, choices=Split)
    route = models.CharField(max_length=10, choices=ExampleRoute)
    query_id = models.UUIDField()
    text = models.TextField()
    function = models.CharField(max_length=200, blank=True)
    arguments = models.JSONField(default=dict)
    weight = models.PositiveIntegerField(help_text="How often the query came.")
    text_key = models.GeneratedField(
        expression=Fingerprint(OneSpaced(Lower("text"))), output_field=models.BigIntegerField(), db_persist=True
    )
    call_key = models.GeneratedField(
        expression=Fingerprint(Concat("function", Cast("arguments", models.TextField()))),
        output_field=models.BigIntegerField(),
        db_persist=True,
    )

    class Meta:
        ordering = ["id"]
        default_permissions = ()
        indexes = [
            models.Index(fields=["dataset", "id"], name="example_by_dataset"),
            models.Index(fields=["dataset", "split", "function", "id"], name="example_by_split"),
            models.Index(
                fields=["dataset", "text_key", "call_key"], include=["split", "route"], name="example_by_text"
            ),
        ]

    def __str__(self) -> str:
        return self.text

    @property
    def call(self) -> Call | None:
        return call_of(self.function, self.arguments)
