"""Reads of the student pages."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from curation.models import Application, Review
from curation.models.reviews import Decision
from training.models import DatasetExample, Evaluation, Promotion, Student

PROMOTIONS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Lineage:
    """What stands behind a student, counted."""

    clusters: int
    by_people: int
    by_policy: int
    corrections: int


def students_of(application: Application) -> QuerySet[Student]:
    """An application's students, the newest first, with their aliases and the figures of their latest evaluation."""
    latest = Evaluation.objects.filter(student=OuterRef("pk")).order_by("-id")
    return (
        Student.objects.filter(application=application)
        .select_related("dataset", "run")
        .prefetch_related("aliases")
        .defer("run__curve", "run__log")
        .annotate(figures=Subquery(latest.values("figures")[:1]), evaluation_id=Subquery(latest.values("pk")[:1]))
    )


def lineage_of(student: Student) -> Lineage:
    """Counts of the reviews that a student rests on."""
    on_clusters = Q(cluster__in=student.dataset.clusters)
    on_queries = Q(query_id__in=DatasetExample.objects.filter(dataset=student.dataset_id).values("query_id"))
    counts = Review.objects.filter(application=student.application_id).aggregate(
        by_people=Count("pk", filter=on_clusters & Q(reviewer__isnull=False)),
        by_policy=Count("pk", filter=on_clusters & Q(reviewer__isnull=True)),
        corrections=Count("pk", filter=on_queries & Q(decision=Decision.CORRECT)),
    )
    return Lineage(len(student.dataset.clusters), **counts)


def promotions_of(application: Application) -> QuerySet[Promotion]:
    """The history of an application's aliases, the newest move first."""
    return Promotion.objects.filter(application=application).select_related(
        "student", "previous", "promoted_by", "rolled_back"
    )
