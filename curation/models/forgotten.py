"""Users whose queries were deleted, so that nothing of theirs comes in again from what was still on its way."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from curation.models.applications import Application


class ForgottenUser(models.Model):
    """One deletion of everything that a user of an application had said until a moment. Rows are only ever added."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="forgotten_users")
    mark = models.CharField(max_length=64, help_text="A keyed hash of the user’s id.")
    client_id = models.CharField(max_length=200, blank=True, help_text="The user’s id, until everything is deleted.")
    until = models.DateTimeField(help_text="What arrived by then is deleted, whenever it is written.")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", help_text="Empty: the command."
    )
    deleted = models.JSONField(default=dict, help_text="How many rows of each kind are gone.")
    done_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ()
        indexes = [models.Index(fields=["application", "mark"], name="forgotten_by_mark")]

    def __str__(self) -> str:
        return f"a user of {self.application}, until {self.until:%Y-%m-%d %H:%M}"
