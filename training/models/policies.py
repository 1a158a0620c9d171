"""The routing policy of an application: what may be answered inline, and what the policy may decide alone."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from curation.models import Application

SHARE = [MinValueValidator(0.0), MaxValueValidator(1.0)]


class RoutingPolicy(models.Model):
    """One row per application, made with it."""

    application = models.OneToOneField(Application, on_delete=models.CASCADE, related_name="policy")
    inline = models.BooleanField("answer inline", default=True, help_text="Off: everything goes to the teacher.")
    epsilon = models.FloatField(
        "disagreement allowed",
        default=0.02,
        validators=SHARE,
        help_text="Share of inline answers that may differ.",
    )
    function_epsilon = models.FloatField(
        "disagreement allowed for one function",
        default=0.05,
        validators=SHARE,
        help_text="A function above it is switched off by the audits.",
    )
    audit_share = models.FloatField(
        "share audited",
        default=0.05,
        validators=SHARE,
        help_text="Share of inline answers about which the teacher is asked again.",
    )
    canary_share = models.FloatField(
        "canary share",
        default=0.0,
        validators=SHARE,
        help_text="Share of users whose requests the challenger answers; a request without a user goes by its key.",
    )
    shadow = models.BooleanField(
        "shadow the challenger",
        default=False,
        help_text="On: the challenger's answers are recorded beside the champion's, and never sent.",
    )
    allow_context = models.BooleanField(
        "answer with earlier turns",
        default=False,
        help_text="Off: a conversation with earlier turns goes to the teacher.",
    )
    switched_off = models.JSONField(default=list, blank=True, help_text="Functions that only the teacher answers.")
    approve_simplicity = models.FloatField(
        "least simplicity", default=0.75, validators=SHARE, help_text="Of a cluster that the policy approves."
    )
    approve_purity = models.FloatField(
        "least purity",
        default=0.7,
        validators=SHARE,
        help_text="Lower bound, of a cluster that the policy approves.",
    )
    approve_queries = models.PositiveIntegerField(
        "least queries", default=20, help_text="In a cluster that the policy approves."
    )

    second_approver = models.BooleanField(
        "datasets are approved by another person",
        default=False,
        help_text="On: who built a dataset may not approve it.",
    )

    class Meta:
        default_permissions = ()
        verbose_name_plural = "routing policies"

    def __str__(self) -> str:
        return f"policy of {self.application}"
