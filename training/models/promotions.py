"""Aliases (champion, challenger), and the history of where they pointed."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from curation.models import Application
from training.models.students import Student


class AliasName(models.TextChoices):
    CHAMPION = "champion", "Champion"
    CHALLENGER = "challenger", "Challenger"


class Alias(models.Model):
    """The student that an application's traffic meets under this name."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="aliases")
    name = models.CharField(max_length=12, choices=AliasName)
    student = models.ForeignKey(Student, on_delete=models.PROTECT, related_name="aliases")

    class Meta:
        default_permissions = ()
        verbose_name_plural = "aliases"
        constraints = [models.UniqueConstraint(fields=["application", "name"], name="one_student_per_alias")]

    def __str__(self) -> str:
        return f"{self.name}: {self.student}"


class Promotion(models.Model):
    """One move of an alias. Rows are only ever added."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="promotions")
    alias = models.CharField(max_length=12, choices=AliasName)
    student = models.ForeignKey(Student, on_delete=models.PROTECT, null=True, related_name="promotions")
    previous = models.ForeignKey(Student, on_delete=models.PROTECT, null=True, related_name="+")
    rolled_back = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, help_text="The promotion that this one takes back."
    )
    checks = models.JSONField(default=list, help_text="Each condition with its evidence.")
    promoted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, help_text="Empty: policy."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.alias}: {self.previous or 'none'} to {self.student or 'none'}"
