"""What jobs work on and what they made, for links."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from curation.models import Cluster, Job
from curation.models.jobs import JobKind
from training.models import Dataset, DistillationRun, DriftReport, Student


class Made(NamedTuple):
    """A thing that a job works on or made: the name of its page, its key (None: the page has none), its name.

    `place` is where on the page it stands, as an address ends.
    """

    page: str
    key: int | None
    label: str
    place: str = ""


def made_by(jobs: Sequence[Job]) -> dict[int, list[Made]]:
    """By the key of each job, what it works on and what it made, in as many queries for many jobs as for one."""
    runs = DistillationRun.objects.filter(job__in=jobs).values_list("job", "pk")
    students = Student.objects.filter(pk__in=_keys(jobs, "student") | _evaluated_live(jobs)).in_bulk()
    datasets = Dataset.objects.filter(pk__in=_keys(jobs, "dataset")).only("version").in_bulk()
    clusters = Cluster.objects.filter(pk__in=_asked_about(jobs)).only("name").in_bulk()
    # Old reports are not kept.
    reports = set(DriftReport.objects.filter(pk__in=_keys(jobs, "drift")).values_list("pk", flat=True))
    made: dict[int, list[Made]] = {job.pk: _of(job, students, datasets) for job in jobs}
    for job in jobs:
        if job.kind == JobKind.LABEL:
            made[job.pk] += _of_labelling(job, clusters)
        if job.result.get("drift") in reports:
            made[job.pk].append(Made("drift_report", job.result["drift"], "Report"))
    for job_key, run in runs:
        made[job_key].insert(0, Made("run", run, f"Run {run}"))
    return made


def _keys(jobs: Sequence[Job], name: str) -> set[int]:
    return {_key(job, name) for job in jobs}


def _key(job: Job, name: str) -> int:
    """Of the student or dataset that a job made, or that it evaluates or evaluates on; 0 where there is none."""
    given = job.parameters.get(name) if job.kind == JobKind.EVALUATE else None
    return job.result.get(name) or given or 0


def _asked_about(jobs: Sequence[Job]) -> set[int]:
    """The clusters whose queries the teacher was asked about."""
    return {job.parameters.get("cluster") or 0 for job in jobs if job.kind == JobKind.LABEL}


def _evaluated_live(jobs: Sequence[Job]) -> set[int]:
    return {key for job in jobs for key in job.parameters.get("students", [])}


def _of(job: Job, students: dict[int, Student], datasets: dict[int, Dataset]) -> list[Made]:
    made = []
    student, dataset = students.get(_key(job, "student")), datasets.get(_key(job, "dataset"))
    if job.kind == JobKind.BUILD and not dataset:
        made.append(Made("dataset_build", job.pk, "Choices"))
    if "clustering" in job.result:
        made.append(Made("clusters", None, "Clusters"))
    if dataset:
        made.append(Made("dataset", dataset.pk, f"Dataset {dataset.version}"))
    if student:
        made.append(Made("student", student.pk, student.version))
    if "evaluation" in job.result:
        made.append(Made("evaluation", job.result["evaluation"], "Evaluation"))
    return made + _of_live_evaluation(job, students)


def _of_labelling(job: Job, clusters: dict[int, Cluster]) -> list[Made]:
    """The cluster that it is about, and where what it has cost and what has no usable answer is told."""
    cluster = clusters.get(job.parameters.get("cluster") or 0)
    made = [Made("cluster", cluster.pk, f"Cluster {cluster.name}")] if cluster else []
    if job.result.get("unusable"):
        made.append(Made("labelling", None, "No usable answer", "#unusable"))
    return [*made, Made("labelling", None, "Spent this month", "#spent")]


def _of_live_evaluation(job: Job, students: dict[int, Student]) -> list[Made]:
    """Each student, and once it is there, its evaluation."""
    named = [students[key] for key in job.parameters.get("students", []) if key in students]
    evaluations = job.result.get("evaluations", [])
    return [
        *(Made("student", student.pk, student.version) for student in named),
        *(
            Made("evaluation", key, f"Evaluation of {student}")
            for key, student in zip(evaluations, named, strict=False)
        ),
    ]
