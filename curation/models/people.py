"""Sign-ins that failed, so that nobody tries passwords without end. Users and groups are Django's own."""

from __future__ import annotations

from django.db import models


class SignInFailure(models.Model):
    """One failed sign-in. Rows older than what is looked at are deleted with the next failure."""

    username = models.CharField(max_length=150, help_text="As it was typed, in lower case.")
    address = models.CharField(max_length=45, help_text="Where the request came from.")
    failed_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["username", "failed_at"], name="sign_in_failures")]

    def __str__(self) -> str:
        return f"{self.username} from {self.address}"
