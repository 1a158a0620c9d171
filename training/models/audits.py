"""What audits saw of a student's inline answers, and what was switched off because of it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from curation.models import Application
from training.models.students import Student

WHOLE = ""
"""In place of a function's name: all functions together."""


class AuditTally(models.Model):
    """Inline answers of a student held against the teacher, since it was promoted or last turned on again.

    Of a function all that were audited; of the whole those that chance picked for an audit.
    """

    student = models.ForeignKey(Student, on_delete=models.CASCADE, related_name="tallies")
    function = models.CharField(max_length=200, blank=True, help_text="Empty: all functions together.")
    audited = models.PositiveIntegerField(default=0)
    disagreed = models.PositiveIntegerField(default=0)
    picked = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Of a function's: those that chance picked, so that the whole counts them."
    )
    picked_disagreed = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        ordering = ["function"]
        default_permissions = ()
        verbose_name_plural = "audit tallies"
        constraints = [models.UniqueConstraint(fields=["student", "function"], name="one_tally_per_function")]

    def __str__(self) -> str:
        return f"{self.student} {self.function}: {self.disagreed} of {self.audited}"


class SwitchOff(models.Model):
    """A student, or one of its functions, that the audits took out of service until a person turns it on again."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="switch_offs")
    student = models.ForeignKey(Student, on_delete=models.CASCADE, related_name="switch_offs")
    function = models.CharField(max_length=200, blank=True, help_text="Empty: the whole student.")
    reason = models.TextField(help_text="Why, in a sentence with its figures.")
    evidence = models.JSONField(default=dict, help_text="Audited, disagreed, what was allowed, and the e-value.")
    created_at = models.DateTimeField(auto_now_add=True)
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["student", "function"], condition=Q(lifted_at=None), name="switched_off_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.student}: {self.function or 'everything'}"
