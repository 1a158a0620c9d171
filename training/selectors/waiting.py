"""What waits for a person, and how far a new application is."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from curation.models import Application, Cluster
from curation.models.clusters import ClusterStatus
from training.models import Dataset, Evaluation, Student, SwitchOff
from training.models.datasets import OWN_CHOICES, DatasetStatus

SHOWN = 3


@dataclass(frozen=True, slots=True)
class Progress:
    """Which of the first steps an application has behind it."""

    traffic: bool
    clusters: bool
    approved: bool
    student: bool


def clusters_to_decide(application: Application) -> list[Cluster]:
    """The undecided clusters in force that would save the most."""
    rows = Cluster.objects.filter(clustering=application.clusterings.first(), status=ClusterStatus.PROPOSED)
    fields = ("name", "share", "saved_ms", "saved_calls", "simplicity")
    return list(rows.exclude(function="").only(*fields)[:SHOWN])


def drafts(application: Application) -> list[Dataset]:
    return list(_drafts(application)[:SHOWN])


def own_drafts(application: Application) -> list[Dataset]:
    """Those that a person built with choices of their own: the autopilot leaves these to them."""
    return list(_drafts(application).filter(OWN_CHOICES)[:SHOWN])


def _drafts(application: Application) -> QuerySet[Dataset]:
    return application.datasets.filter(status=DatasetStatus.DRAFT).select_related("built_by")


def worse_live(*students: Student | None) -> list[Evaluation]:
    """The students' newest evaluations on live traffic, where these found a function that got worse."""
    rows = Evaluation.objects.filter(student__in=[one.pk for one in students if one], dataset=None)
    newest = rows.select_related("student").defer("curve", "per_function").order_by("student_id", "-id")
    return [one for one in newest.distinct("student_id") if one.regressions]


def evaluation_of(student: Student) -> Evaluation | None:
    """The latest one on the dataset that it was made from."""
    rows = student.evaluations.filter(dataset=student.dataset_id).order_by("-id")
    return rows.defer("curve", "per_function").first()


def successor_of(application: Application, champion: Student | None) -> Student | None:
    """The newest student, if it came after the champion."""
    newest = application.students.select_related("application", "tool_set", "dataset").first()
    return newest if newest and (champion is None or newest.pk > champion.pk) else None


def switch_offs(application: Application) -> list[SwitchOff]:
    """What audits keep out of service, of the students that meet traffic."""
    rows = SwitchOff.objects.filter(application=application, lifted_at=None, student__aliases__isnull=False)
    return list(rows.select_related("student"))


def progress_of(application: Application) -> Progress:
    clustering = application.clusterings.first()
    approved = Cluster.objects.filter(clustering=clustering, status=ClusterStatus.APPROVED)
    return Progress(
        traffic=application.traffichour_set.exists(),
        clusters=clustering is not None,
        approved=clustering is not None and approved.exists(),
        student=application.students.exists(),
    )
