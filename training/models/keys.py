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
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.prefix}… {self.label}".strip()
