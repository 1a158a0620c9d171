"""What jobs work on and what they made, for links."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from curation.models import Job
from curation.models.jobs import JobKind
from training.models import Dataset, DistillationRun, DriftReport, Student


class Made(NamedTuple):
    """A thing that a job works on or made: the name of its page, its key (None: the page has none), its name."""

    page: str
    key: int | None
    label: str


def made_by(jobs: Sequence[Job]) -> dict[int, list[Made]]:
    """By the key of each job, what it works on and what it made, in four queries."""
    runs = DistillationRun.objects.filter(job__in=jobs).values_list("job", "pk")
    students = Student.objects.filter(pk__in=_keys(jobs, "student") | _evaluated_live(jobs)).in_bulk()
    datasets = Dataset.objects.filter(pk__in=_keys(jobs, "dataset")).only("version").in_bulk()
    # Old reports are not kept.
    reports = set(DriftReport.objects.filter(pk__in=_keys(jobs, "drift")).values_list("pk", flat=True))
    made: dict[int, list[Made]] = {job.pk: _of(job, students, datasets) for job in jobs}
    for job in jobs:
        if job.result.get("drift") in reports:
            made[job.pk].append(Made("drift_report", job.result["drift"], "Report"))
    for job_key, run in runs:
        made[job_key].insert(0, Made("run", run, f"Run {run}"))
    return made


def _keys(jobs: Sequence[Job], name: str) -> set[int]:
    """The keys that jobs made, or work on; a run's parameters name its dataset by its version, so they do not count."""
    named = [job.result.get(name) for job in jobs]
    named += [job.parameters.get(name) for job in jobs if name == "student"]
    return {key for key in named if isinstance(key, int)}


def _evaluated_live(jobs: Sequence[Job]) -> set[int]:
    return {key for job in jobs for key in job.parameters.get("students", [])}


def _of(job: Job, students: dict[int, Student], datasets: dict[int, Dataset]) -> list[Made]:
    made = []
    student = students.get(job.result.get("student") or job.parameters.get("student") or 0)
    dataset = datasets.get(job.result.get("dataset") or 0)
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
