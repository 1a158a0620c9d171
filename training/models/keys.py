"""Keys with which an application's requests are known at the gateway. Only a hash is kept."""

from __future__ import annotations

from django.db import models

from curation.models import Application


class ApiKey(models.Model):
    """One key. Its text is shown once, when it is made."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="api_keys")
    label = models.CharField(max_length=100, blank=True)
    prefix = models.CharField(max_length=12, help_text="Its first characters, to tell keys apart.")
    sha256 = models.CharField(max_length=64, unique=True)
    requests_per_minute = models.PositiveIntegerField(
        "requests a minute", null=True, blank=True, help_text="At most, over all gateways; empty: no limit."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    minute = models.DateTimeField(null=True, blank=True, editable=False, help_text="The last one with requests.")
    minute_requests = models.PositiveIntegerField(default=0, editable=False, help_text="In that minute.")
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.prefix}… {self.label}".strip()
