"""The loop once, from traffic to promotion."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from curation.errors import OdiaError
from curation.models import Application, Job
from curation.models.clusters import ClusterStatus
from curation.models.jobs import JobKind, JobState, Trigger
from curation.selectors.clusters import clustering_in_force, open_clusters
from curation.services.clustering import cluster_traffic
from curation.services.jobs import Report, job_create, job_run
from curation.services.policy_reviews import approve_by_policy
from training.models import Dataset, Evaluation, Student
from training.models.build_choices import MOST_EXAMPLES, BuildChoices
from training.models.datasets import DatasetStatus
from training.models.students import Family
from training.services.checks import Check, failing, promotion_checks
from training.services.datasets import dataset_approve, dataset_build
from training.services.distillation import run_execute
from training.services.policies import policy_of
from training.services.promotions import promote
from training.services.runs import run_create, settings_of


@dataclass(slots=True)
class LoopResult:
    """How far the loop came. `needs` says what a person has to do next, empty if nothing."""

    clusters: int = 0
    approved: int = 0
    dataset: int | None = None
    student: str | None = None
    evaluation: dict[str, Any] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    promoted: bool = False
    needs: str = ""
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def run_loop(
    *,
    application: Application,
    approve: Literal["policy", "none"],
    family: str = Family.ENCODER,
    config: dict[str, Any],
    limit: int = MOST_EXAMPLES,
    promote_student: bool = False,
    watch: Report,
) -> LoopResult:
    """Cluster, approve, build, distil, evaluate and, if asked to, promote.

    With `approve="none"` it stops where a person is needed, and goes on from there when it is run again.

    Raises:
        OdiaError: a step cannot be done.
    """
    settings_of(family, config)
    started = time.perf_counter()
    result = LoopResult()
    _cluster(application, watch)
    _approve_clusters(application, approve, result)
    if result.approved:
        dataset = _approved_dataset(application, approve, BuildChoices(limit), watch, result)
        if dataset.status == DatasetStatus.APPROVED:
            student = _distil(dataset, family, config, watch)
            _evaluation(student, result)
            _promote(student, promote_student, result)
    result.seconds = round(time.perf_counter() - started, 1)
    return result


def _cluster(application: Application, watch: Report) -> None:
    job = job_create(application=application, kind=JobKind.CLUSTER, trigger=Trigger.COMMAND)
    _finished(
        job_run(
            job=job,
            work=lambda report: {"clustering": cluster_traffic(application=application, report=report).pk},
            watch=watch,
        )
    )


def _approve_clusters(application: Application, approve: str, result: LoopResult) -> None:
    if approve == "policy":
        policy = policy_of(application)
        result.clusters, result.approved = approve_by_policy(
            application=application,
            simplicity=policy.approve_simplicity,
            purity=policy.approve_purity,
            queries=policy.approve_queries,
        )
    else:
        clusters = open_clusters(clustering_in_force(application))
        result.clusters = clusters.count()
        result.approved = clusters.filter(status=ClusterStatus.APPROVED).count()
    if not result.approved:
        result.needs = "No cluster is approved: decide on the clusters page."


def _approved_dataset(
    application: Application, approve: str, choices: BuildChoices, watch: Report, result: LoopResult
) -> Dataset:
    job = job_create(application=application, kind=JobKind.BUILD, trigger=Trigger.COMMAND, parameters=choices.as_json())
    _finished(job_run(job=job, work=lambda report: _built(application, choices, report), watch=watch))
    dataset = application.datasets.get(pk=job.result["dataset"])
    if dataset.status == DatasetStatus.DRAFT and approve == "policy":
        dataset = dataset_approve(dataset=dataset)
    if dataset.status == DatasetStatus.DRAFT:
        result.needs = f"Dataset {dataset.version} is a draft: approve it on the datasets page."
    result.dataset = dataset.version
    return dataset


def _built(application: Application, choices: BuildChoices, report: Report) -> dict[str, Any]:
    return {"dataset": dataset_build(application=application, choices=choices, report=report).pk}


def _distil(dataset: Dataset, family: str, config: dict[str, Any], watch: Report) -> Student:
    run = run_create(dataset=dataset, family=family, config=config, trigger=Trigger.COMMAND)
    job = _finished(run_execute(run=run, watch=watch))
    return Student.objects.select_related("application").get(pk=job.result["student"])


def _evaluation(student: Student, result: LoopResult) -> None:
    evaluation = Evaluation.objects.filter(student=student).latest("pk")
    result.student, result.evaluation = student.version, evaluation.figures
    result.checks = promotion_checks(student=student)


def _promote(student: Student, promote_student: bool, result: LoopResult) -> None:
    if all(check.passed for check in result.checks):
        if promote_student:
            promote(student=student)
            result.promoted = True
        else:
            result.needs = f"{student} meets every check: promote it on the students page."
    else:
        result.needs = f"{student} is not promoted: {failing(result.checks)}"


def _finished(job: Job) -> Job:
    if job.state != JobState.DONE:
        raise OdiaError(f"{job.get_kind_display()}: {job.message}")
    return job
