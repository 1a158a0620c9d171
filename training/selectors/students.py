"""Reads of the student pages."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from curation.models import Application, Review
from curation.models.reviews import Decision
from training.models import AuditTally, DatasetExample, Evaluation, Promotion, RoutingPolicy, Student, SwitchOff
from training.models.audits import WHOLE
from training.students.certification import upper_bound

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


def promotions_of_student(student: Student) -> QuerySet[Promotion]:
    """The moves of aliases to a student and away from it, the newest first."""
    moves = promotions_of(student.application)
    return moves.filter(Q(student=student) | Q(previous=student))


def switch_offs_of(student: Student) -> QuerySet[SwitchOff]:
    """What audits keep out of service of a student."""
    return SwitchOff.objects.filter(student=student, lifted_at=None)


@dataclass(frozen=True, slots=True)
class Audits:
    """What audits saw of one function, or of all in service together (`function` is empty); `allowed` is a share."""

    function: str
    audited: int
    disagreed: int
    allowed: float

    @property
    def disagreement(self) -> float:
        return self.disagreed / self.audited

    @property
    def bound(self) -> float:
        """Upper, with 95% confidence."""
        return upper_bound(self.disagreed, self.audited)


def audits_of(student: Student) -> list[Audits]:
    """The whole first, then function by function."""
    policy = RoutingPolicy.objects.filter(application=student.application_id).first() or RoutingPolicy()
    tallies = AuditTally.objects.filter(student=student, audited__gt=0).order_by("function")
    return [
        Audits(
            tally.function,
            tally.audited,
            tally.disagreed,
            policy.epsilon if tally.function == WHOLE else policy.function_epsilon,
        )
        for tally in tallies
    ]
