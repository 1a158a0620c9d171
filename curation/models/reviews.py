"""What people decided. Rows are only ever added."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from curation.models.applications import Application
from curation.models.clusters import Cluster


class Decision(models.TextChoices):
    APPROVE = "approve", "Approved"
    REJECT = "reject", "Rejected"
    EXCLUDE = "exclude", "Excluded an example"
    INCLUDE = "include", "Took an example back in"
    CORRECT = "correct", "Corrected a call"
    SPLIT = "split", "Split"
    MERGE = "merge", "Merged"
    UNDO = "undo", "Undone"


class Review(models.Model):
    """One decision of one person, or of the policy, about a cluster or a query."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="reviews")
    decision = models.CharField(max_length=10, choices=Decision)
    cluster = models.ForeignKey(Cluster, on_delete=models.SET_NULL, null=True, related_name="reviews")
    query_id = models.UUIDField(null=True)
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, help_text="Empty: the policy decided."
    )
    before = models.JSONField()
    after = models.JSONField()
    batch = models.UUIDField(null=True, help_text="Decisions made in one action, which are undone in one action.")
    undoes = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="undone_by")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ()
        indexes = [
            models.Index(fields=["application", "-created_at", "-id"], name="review_by_time"),
            models.Index(fields=["query_id"], name="review_by_query"),
            models.Index(fields=["batch"], condition=models.Q(batch__isnull=False), name="review_by_batch"),
        ]

    def __str__(self) -> str:
        return f"{self.get_decision_display()} by {self.reviewer or 'policy'}"
