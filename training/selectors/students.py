"""Reads of the student pages."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from curation.models import Application, Job, Review
from curation.models.jobs import ENDED, JobKind
from curation.models.reviews import Decision
from training.models import AuditTally, DatasetExample, Evaluation, RoutingPolicy, Student, SwitchOff
from training.models.audits import WHOLE
from training.selectors.shares import Disagreement

STUDENTS_PER_PAGE = 50
REVIEWS_PER_PAGE = 50
EVALUATIONS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Lineage:
    """What stands behind a student, counted."""

    clusters: int
    by_people: int
    by_policy: int
    corrections: int


@dataclass(frozen=True, slots=True)
class ReviewsPage:
    """Some decisions, the newest first; `before` continues the list, None at its end."""

    rows: list[Review]
    before: int | None


@dataclass(frozen=True, slots=True)
class StudentsPage:
    """Some students, the newest first; `before` continues the list, None at its end."""

    rows: list[Student]
    before: int | None


def students_page(application: Application, before: int = 0, dataset: int = 0) -> StudentsPage:
    """Those before the key `before`, made from one dataset; 0 narrows nothing."""
    given = {"pk__lt": before, "dataset": dataset}
    rows = students_of(application).filter(**{name: value for name, value in given.items() if value})
    found = list(rows[: STUDENTS_PER_PAGE + 1])
    shown = found[:STUDENTS_PER_PAGE]
    return StudentsPage(shown, shown[-1].pk if len(found) > STUDENTS_PER_PAGE else None)


def students_of(application: Application) -> QuerySet[Student]:
    """An application's students, the newest first, with their aliases and the figures of their latest evaluation."""
    latest = Evaluation.objects.filter(student=OuterRef("pk"), dataset=OuterRef("dataset")).order_by("-id")
    return (
        Student.objects.filter(application=application)
        .select_related("dataset", "run")
        .prefetch_related("aliases")
        .defer("run__curve", "run__log")
        .annotate(figures=Subquery(latest.values("figures")[:1]), evaluation_id=Subquery(latest.values("pk")[:1]))
    )


def lineage_of(student: Student) -> Lineage:
    """Counts of the reviews that a student rests on."""
    on_clusters = Q(cluster__isnull=False)
    counts = reviews_behind(student).aggregate(
        by_people=Count("pk", filter=on_clusters & Q(reviewer__isnull=False)),
        by_policy=Count("pk", filter=on_clusters & Q(reviewer__isnull=True)),
        corrections=Count("pk", filter=Q(decision=Decision.CORRECT)),
    )
    return Lineage(len(student.dataset.clusters), **counts)


def reviews_page(student: Student, before: int = 0, kind: str = "") -> ReviewsPage:
    """The decisions behind a student before the key `before`; `kind` is people, policy, corrections or empty."""
    narrowed = {
        "people": Q(cluster__isnull=False, reviewer__isnull=False),
        "policy": Q(cluster__isnull=False, reviewer__isnull=True),
        "corrections": Q(decision=Decision.CORRECT),
    }.get(kind, Q())
    rows = reviews_behind(student).filter(narrowed & (Q(pk__lt=before) if before else Q()))
    related = rows.select_related("reviewer", "cluster").defer("cluster__centroid", "cluster__evidence")
    found = list(related[: REVIEWS_PER_PAGE + 1])
    shown = found[:REVIEWS_PER_PAGE]
    return ReviewsPage(shown, shown[-1].pk if len(found) > REVIEWS_PER_PAGE else None)


def reviews_behind(student: Student) -> QuerySet[Review]:
    """The decisions that its dataset was drawn by: about its clusters, and corrections of its examples.

    An approval that a cluster carries on from an earlier clustering is the earlier cluster's.
    """
    examples = DatasetExample.objects.filter(dataset=student.dataset_id).values("query_id")
    corrected = Q(decision=Decision.CORRECT, query_id__in=examples)
    behind = Q(cluster__in=_with_ancestors(student.dataset.clusters)) | corrected
    return Review.objects.filter(
        behind, application=student.application_id, created_at__lte=student.dataset.created_at, undone_by=None
    ).exclude(decision=Decision.UNDO)


def _with_ancestors(clusters: list[int]) -> list[int]:
    """The clusters and those whose approval they carry on."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE line (id, before) AS ("
            "SELECT id, inherited_from_id FROM curation_cluster WHERE id = ANY(%s) "
            "UNION SELECT cluster.id, cluster.inherited_from_id FROM curation_cluster AS cluster "
            "JOIN line ON cluster.id = line.before) SELECT id FROM line",
            [clusters],
        )
        return [row[0] for row in cursor.fetchall()]


def evaluations_of_student(student: Student) -> list[Evaluation]:
    """Its newest evaluations."""
    rows = student.evaluations.select_related("dataset").defer("curve", "per_function")
    return list(rows[:EVALUATIONS_SHOWN])


def evaluation_under_way(student: Student) -> Job | None:
    """The job that evaluates it now, or waits to."""
    jobs = Job.objects.filter(application=student.application_id, kind=JobKind.EVALUATE)
    jobs = jobs.filter(Q(parameters__student=student.pk) | Q(parameters__students__contains=[student.pk]))
    return jobs.exclude(state__in=ENDED).first()


def switch_offs_of(student: Student) -> QuerySet[SwitchOff]:
    """What audits keep out of service of a student."""
    return SwitchOff.objects.filter(student=student, lifted_at=None)


@dataclass(frozen=True, slots=True)
class Audits:
    """What audits saw of one function, or of all in service together (`function` is empty); `allowed` is a share."""

    function: str
    seen: Disagreement
    allowed: float


def audits_of(student: Student, policy: RoutingPolicy) -> list[Audits]:
    """The whole first, then function by function."""
    tallies = AuditTally.objects.filter(student=student, audited__gt=0).order_by("function")
    return [
        Audits(
            tally.function,
            Disagreement(tally.audited, tally.disagreed),
            policy.epsilon if tally.function == WHOLE else policy.function_epsilon,
        )
        for tally in tallies
    ]
