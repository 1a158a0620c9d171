"""Drift: how the traffic of late differs from the traffic that was learned from."""

from __future__ import annotations

from django.db import models

from curation.models import Application


class DriftReport(models.Model):
    """What one look for drift found in a window of traffic."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="drift_reports")
    window_from = models.DateTimeField()
    window_to = models.DateTimeField()
    queries = models.PositiveIntegerField(help_text="In the window.")
    unknown_share = models.FloatField(null=True, help_text="Of its queries that no pattern or cluster knows, 0 to 1.")
    functions = models.JSONField(
        default=list, help_text="Per function its share before and now, the greatest move first."
    )
    audits = models.JSONField(default=list, help_text="Per day and function, what audits saw of the inline answers.")
    alarms = models.JSONField(default=list, help_text="What a person or the autopilot should act on: kind, sentence.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.window_to:%Y-%m-%d}: {len(self.alarms)} alarms"
