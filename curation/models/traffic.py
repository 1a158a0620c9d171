"""What came in: queries, the teacher's calls, the router's decisions, and their sums per hour.

All but the sums are large: their keys are UUIDs of version 7, they are range-partitioned by that key (that
is, by time; see the first migration), written in bulk, and bear no foreign key constraints.
"""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models

from curation.identifiers import new_id
from curation.ml.calls import Call
from curation.models.applications import Application, ToolSetVersion


class Source(models.TextChoices):
    GATEWAY = "gateway", "Gateway"
    IMPORT = "import", "Import"


class Purpose(models.TextChoices):
    INLINE = "inline", "Answer to the application"
    LABEL = "label", "Label"
    RESAMPLE = "resample", "Asked again"
    AUDIT = "audit", "Audit"


class Route(models.TextChoices):
    MEMO = "memo", "Memo"
    STUDENT = "student", "Student"
    TEACHER = "teacher", "Teacher"
    FALLBACK = "fallback", "Fallback"


INLINE_ROUTES = (Route.MEMO, Route.STUDENT)
"""Those on which a student's call is the answer."""


def call_of(function: str | None, arguments: dict[str, Any] | None) -> Call | None:
    """The call that two columns hold; no function is *no call*."""
    return Call(function, arguments or {}) if function else None


class Query(models.Model):
    """One user utterance as it arrived, with its reference call: the teacher's, or a person's correction of it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    application = models.ForeignKey(Application, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    tool_set = models.ForeignKey(
        ToolSetVersion, on_delete=models.SET_NULL, null=True, db_constraint=False, db_index=False
    )
    text = models.TextField()
    context = models.JSONField(default=list, help_text="Earlier messages, as OpenAI's API takes them.")
    source = models.CharField(max_length=10, choices=Source)
    client_id = models.CharField("user", max_length=200, blank=True)
    arrived_at = models.DateTimeField()
    labelled = models.BooleanField(default=False, help_text="Whether there is a reference call (or no call) at all.")
    function = models.CharField(max_length=200, blank=True, help_text="Of the reference call; empty: no call.")
    arguments = models.JSONField(default=dict)
    several_calls = models.BooleanField(default=False, help_text="The teacher answered with more than one call.")
    corrected = models.BooleanField(default=False)
    excluded = models.BooleanField(default=False)
    pattern = models.ForeignKey(
        "curation.Pattern", on_delete=models.SET_NULL, null=True, db_constraint=False, db_index=False
    )
    latency_ms = models.FloatField(null=True, help_text="The teacher's, in milliseconds.")

    class Meta:
        default_permissions = ()
        verbose_name_plural = "queries"
        indexes = [
            models.Index(fields=["application", "-id"], name="query_by_time"),
            models.Index(fields=["application", "function", "-id"], name="query_by_function"),
            models.Index(fields=["pattern", "-id"], name="query_by_pattern"),
            models.Index(fields=["application", "client_id", "-id"], name="query_by_user"),
            models.Index(fields=["application", "-id"], condition=models.Q(labelled=False), name="queries_unlabelled"),
            models.Index(fields=["application", "-id"], condition=models.Q(corrected=True), name="queries_corrected"),
            models.Index(fields=["application", "-id"], condition=models.Q(excluded=True), name="queries_excluded"),
            GinIndex(SearchVector("text", config="simple"), name="query_text_search"),
        ]

    def __str__(self) -> str:
        return self.text

    @property
    def call(self) -> Call | None:
        return call_of(self.function, self.arguments)


class TeacherCall(models.Model):
    """One answer of the teacher to a query."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    application = models.ForeignKey(Application, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    query = models.ForeignKey(
        Query, on_delete=models.CASCADE, related_name="teacher_calls", db_constraint=False, db_index=False
    )
    purpose = models.CharField(max_length=10, choices=Purpose)
    model = models.CharField(max_length=200, blank=True)
    function = models.CharField(max_length=200, blank=True)
    arguments = models.JSONField(default=dict)
    several_calls = models.BooleanField(default=False)
    latency_ms = models.FloatField(null=True)
    prompt_tokens = models.PositiveIntegerField(default=0)
    completion_tokens = models.PositiveIntegerField(default=0)
    called_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["query"], name="teacher_call_by_query")]

    def __str__(self) -> str:
        return f"{self.function or 'no call'} ({self.purpose})"

    @property
    def call(self) -> Call | None:
        return call_of(self.function, self.arguments)


class RouterDecision(models.Model):
    """The record of one routing. Its key is its query's, which is also the request's identifier."""

    query = models.OneToOneField(
        Query, on_delete=models.CASCADE, primary_key=True, related_name="decision", db_constraint=False
    )
    application = models.ForeignKey(Application, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    route = models.CharField(max_length=10, choices=Route)
    reason = models.CharField(max_length=200, help_text="Why this route, in a few words.")
    student = models.CharField(max_length=100, blank=True, help_text="Version of the student that was asked.")
    function = models.CharField(max_length=200, blank=True, help_text="Of the student's call.")
    arguments = models.JSONField(default=dict)
    confidence = models.FloatField(null=True)
    threshold = models.FloatField(null=True)
    steps = models.JSONField(default=dict, help_text="Milliseconds spent in each step.")
    total_ms = models.FloatField()
    status = models.PositiveSmallIntegerField(default=200, help_text="HTTP status of the answer.")
    agrees = models.BooleanField(
        null=True, help_text="Whether the student's call is the teacher's, where both are known."
    )
    decided_at = models.DateTimeField()
    audit_due = models.BooleanField(
        default=False, db_default=False, help_text="Whether the teacher is still to be asked about this inline answer."
    )
    audit_request = models.JSONField(
        null=True, help_text="The request as it came, but for its tools, as long as the audit is due."
    )

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["application", "route", "-query"], name="decision_by_route"),
            models.Index(fields=["application", "-query"], condition=models.Q(audit_due=True), name="audits_due"),
            models.Index(fields=["application", "-query"], condition=models.Q(agrees=False), name="decision_disagrees"),
        ]

    def __str__(self) -> str:
        return f"{self.route}: {self.reason}"

    @property
    def call(self) -> Call | None:
        return call_of(self.function, self.arguments)


class ShadowAnswer(models.Model):
    """What a challenger would have answered. It was never sent."""

    query = models.OneToOneField(
        Query, on_delete=models.CASCADE, primary_key=True, related_name="shadow", db_constraint=False
    )
    application = models.ForeignKey(Application, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    student = models.CharField(max_length=100, help_text="Version of the challenger.")
    function = models.CharField(max_length=200, blank=True, help_text="Of its call; empty: it refused.")
    arguments = models.JSONField(default=dict)
    confidence = models.FloatField()
    threshold = models.FloatField(null=True)
    answered_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["application", "student", "-query"], name="shadow_by_student")]

    def __str__(self) -> str:
        return f"{self.student}: {self.function or 'no call'}"

    @property
    def call(self) -> Call | None:
        return call_of(self.function, self.arguments)


class TrafficHour(models.Model):
    """Sums over one hour of traffic on one route, so that no page has to scan queries.

    Latencies are counted in buckets of `curation.selectors.histogram`; imported traffic has the route *teacher*.
    """

    application = models.ForeignKey(Application, on_delete=models.CASCADE)
    hour = models.DateTimeField()
    route = models.CharField(max_length=10, choices=Route)
    source = models.CharField(max_length=10, choices=Source)
    requests = models.PositiveBigIntegerField(default=0)
    latency_sum_ms = models.FloatField(default=0)
    latency_counts = models.JSONField(default=dict, help_text="Bucket number to number of requests.")
    audited = models.PositiveBigIntegerField(default=0, help_text="Inline answers whose teacher's call is known.")
    picked = models.PositiveBigIntegerField(
        default=0, db_default=0, help_text="Of the audited: those that chance picked, so that they stand for all."
    )
    picked_disagreed = models.PositiveBigIntegerField(default=0, db_default=0)
    prompt_tokens = models.PositiveBigIntegerField(default=0)
    completion_tokens = models.PositiveBigIntegerField(default=0)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["application", "hour", "route", "source"], name="one_row_per_hour")
        ]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H}h {self.route}: {self.requests}"
