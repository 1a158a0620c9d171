"""Applications, their teachers and the tool sets that they offer."""

from __future__ import annotations

from functools import cached_property

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models

from curation.ml.calls import ComparisonRules
from curation.ml.tools import ToolSet, parse_tools


class Application(models.Model):
    """One client program whose traffic is curated."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    ignored_parameters = models.JSONField(
        default=list,
        blank=True,
        help_text='Parameters that do not count in a comparison, as "function.parameter".',
    )
    exact_parameters = models.JSONField(
        default=list,
        blank=True,
        help_text='Parameters compared character by character, as "function.parameter".',
    )
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        blank=True,
        related_name="applications",
        help_text="Who sees it. Administrators see every application.",
    )
    keep_days = models.PositiveIntegerField(
        "days kept",
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Queries older than this are deleted, their sums per hour are kept. Empty: nothing is deleted.",
    )
    mask_personal = models.BooleanField(
        "mask personal data",
        default=False,
        db_default=False,
        help_text="E-mail addresses, phone and card numbers are replaced by made-up ones before anything is stored.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        default_permissions = ()
        permissions = [
            ("read", "May look at everything"),
            ("review", "May decide on clusters and calls"),
            ("approve", "May approve datasets, promote and roll back"),
            ("administer", "May change applications, keys, teachers, users and schedules"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def comparison_rules(self) -> ComparisonRules:
        return ComparisonRules(_pairs(self.ignored_parameters), _pairs(self.exact_parameters))


def _pairs(names: list[str]) -> frozenset[tuple[str, str]]:
    return frozenset((function, parameter) for function, _, parameter in (name.partition(".") for name in names))


class Teacher(models.Model):
    """The large model of an application, reached over an OpenAI-compatible API."""

    application = models.OneToOneField(Application, on_delete=models.CASCADE, related_name="teacher")
    base_url = models.CharField("base URL", max_length=500, help_text="Ends in /v1 as a rule.")
    model = models.CharField(max_length=200)
    api_key_env = models.CharField(
        "variable with the API key", max_length=100, blank=True, help_text="Name of an environment variable."
    )
    timeout_seconds = models.FloatField(default=60.0)
    input_price = models.DecimalField(
        max_digits=10, decimal_places=4, default=0, help_text="Price of a million input tokens."
    )
    output_price = models.DecimalField(
        max_digits=10, decimal_places=4, default=0, help_text="Price of a million output tokens."
    )
    concurrency = models.PositiveSmallIntegerField(
        "requests at a time",
        default=4,
        db_default=4,
        validators=[MinValueValidator(1)],
        help_text="That ODIA itself sends: labels and audits.",
    )
    requests_per_minute = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="That ODIA itself sends at most. Empty: no limit.",
    )
    monthly_tokens = models.PositiveBigIntegerField(
        "tokens a month",
        null=True,
        blank=True,
        help_text="That labelling may use in a calendar month (UTC). Empty: no limit.",
    )
    monthly_money = models.DecimalField(
        "money a month",
        max_digits=12,
        decimal_places=2,
        null=True,
        blank=True,
        help_text="That labelling may spend in a calendar month (UTC), at the prices above. Empty: no limit.",
    )
    free_at = models.DateTimeField(
        null=True, editable=False, help_text="When the next request may go out; all processes keep the pace by it."
    )

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.model} at {self.base_url}"


class TeacherSpending(models.Model):
    """What ODIA itself asked a teacher on one day (UTC), by purpose."""

    teacher = models.ForeignKey(Teacher, on_delete=models.CASCADE, related_name="spending")
    day = models.DateField()
    purpose = models.CharField(max_length=10)
    requests = models.PositiveIntegerField(default=0)
    prompt_tokens = models.PositiveBigIntegerField(default=0)
    completion_tokens = models.PositiveBigIntegerField(default=0)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["teacher", "day", "purpose"], name="one_row_of_spending_a_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.purpose}: {self.requests}"


class ToolSetVersion(models.Model):
    """One version of the list of tools that an application offers."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="tool_sets")
    sha256 = models.CharField(max_length=64)
    tools = models.JSONField(help_text="As OpenAI's chat completions API takes them.")
    first_seen_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-first_seen_at"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["application", "sha256"], name="one_row_per_tool_set")]

    def __str__(self) -> str:
        return f"{len(self.tools)} tools, {self.sha256[:8]}"

    @cached_property
    def tool_set(self) -> ToolSet:
        return parse_tools(self.tools)
