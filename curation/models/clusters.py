"""Patterns and the clusters that people review."""

from __future__ import annotations

import hashlib

from django.db import models
from pgvector.django import VectorField

from curation.ml import EMBEDDING_DIMENSIONS
from curation.models.applications import Application


class Clustering(models.Model):
    """One run of the clustering over an application's traffic. The latest finished one is in force."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="clusterings")
    created_at = models.DateTimeField(auto_now_add=True)
    queries = models.PositiveIntegerField()
    patterns = models.PositiveIntegerField()
    teacher_ms = models.FloatField(null=True, help_text="The teacher's time; empty where no latency is known.")

    class Meta:
        ordering = ["-id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"Clustering of {self.created_at:%Y-%m-%d %H:%M}"


class ClusterStatus(models.TextChoices):
    PROPOSED = "proposed", "To decide"
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    REPLACED = "replaced", "Replaced"


class Cluster(models.Model):
    """Patterns that lie together and call the same function: the unit of review."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="clusters")
    clustering = models.ForeignKey(Clustering, on_delete=models.CASCADE, related_name="clusters")
    name = models.TextField()
    function = models.CharField(max_length=200, blank=True, help_text="Empty: no call.")
    status = models.CharField(max_length=10, choices=ClusterStatus, default=ClusterStatus.PROPOSED)
    inherited_from = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        help_text="The cluster whose approval it carries on.",
    )
    replaced_by = models.ManyToManyField(
        "self", symmetrical=False, related_name="replaces", help_text="The clusters that a split or merge put here."
    )
    note = models.TextField(blank=True, help_text="What a person should know before deciding.")
    centroid = VectorField(dimensions=EMBEDDING_DIMENSIONS)
    radius = models.FloatField()
    simplicity = models.FloatField(help_text="Estimated chance (0 to 1) that a student makes the teacher's call.")
    evidence = models.JSONField(help_text="What the estimate rests on; see curation.ml.evidence.")
    samples = models.JSONField(default=dict, help_text="Query ids that are typical, borderline and odd.")
    contradictions = models.JSONField(
        default=list, help_text="Ids of queries with one text and different calls, a list for each text."
    )
    queries = models.PositiveIntegerField()
    share = models.FloatField(help_text="Share of the application's traffic, 0 to 1.")
    saved_calls = models.FloatField(help_text="Expected number of the teacher's calls saved: simplicity times queries.")
    saved_ms = models.FloatField(
        null=True, help_text="Expected time of the teacher's saved, in milliseconds; empty where no latency is known."
    )

    class Meta:
        ordering = [models.F("saved_ms").desc(nulls_last=True), "-saved_calls", "id"]
        default_permissions = ()
        indexes = [models.Index(fields=["clustering", "status"], name="cluster_queue")]

    def __str__(self) -> str:
        return self.name


class Pattern(models.Model):
    """A query with the teacher's argument values replaced by their parameters, embedded once."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="patterns")
    key = models.CharField(max_length=64, help_text="SHA-256 of the normalised template.")
    template = models.TextField()
    function = models.CharField(max_length=200, blank=True, help_text="The commonest in its queries; empty: no call.")
    queries = models.PositiveIntegerField(default=0)
    embedding = VectorField(dimensions=EMBEDDING_DIMENSIONS)
    cluster = models.ForeignKey(Cluster, on_delete=models.SET_NULL, null=True, related_name="patterns")
    tally = models.JSONField(default=dict, help_text="Its part in its cluster's evidence; see curation.ml.tallies.")
    map_x = models.FloatField(default=0)
    map_y = models.FloatField(default=0)

    class Meta:
        ordering = ["-queries", "id"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["application", "key"], name="one_row_per_pattern")]

    def __str__(self) -> str:
        return self.template


def pattern_key(normalised_template: str) -> str:
    """What tells patterns apart in the database: templates may be too long for an index."""
    return hashlib.sha256(normalised_template.encode("utf-8", "surrogatepass")).hexdigest()
