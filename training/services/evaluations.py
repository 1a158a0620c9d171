"""Evaluations: a student held against the test split of a dataset, and what evaluations of all kinds share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction

from curation.errors import OdiaError
from curation.models import Application
from curation.services.jobs import Report
from training.models import Dataset, DatasetExample, Evaluation, EvaluationExample, Student
from training.models.datasets import Split
from training.selectors.examples import as_examples
from training.selectors.latency import SystemLatency, teacher_latencies
from training.services.regressions import dataset_regressions
from training.services.verdicts import verdicts_carry_over
from training.students.artifacts import MANIFEST, ArtifactError, hash_file
from training.students.base import Progress
from training.students.evaluation import EvaluationReport, Judged, evaluate
from training.students.serving import ServedStudent, load_student
from training.students.store import local_copy

BATCH = 2000


def evaluate_student(*, student: Student, report: Report, dataset: Dataset | None = None) -> Evaluation:
    """Hold a student against a test split, its own dataset's or another's, with its memo, at its certified threshold.

    Raises:
        OdiaError: its artifact cannot be loaded, or there is nothing to test on.
    """
    dataset = dataset or student.dataset
    rows = list(dataset.examples.filter(split=Split.TEST))
    if not rows:
        raise OdiaError(f"Dataset {dataset.version} has no test examples.")

    outcome = held_against(student, rows, report)
    with transaction.atomic():
        evaluation = evaluation_store(student=student, rows=rows, outcome=outcome, dataset=dataset)
        dataset_regressions(evaluation=evaluation)
    return evaluation


def held_against(student: Student, rows: Sequence[DatasetExample], report: Report) -> EvaluationReport:
    """What a student makes of examples, with its memo, at its certified threshold.

    Raises:
        OdiaError: its artifact cannot be loaded.
    """

    def progress(progress: Progress, /) -> None:
        report(progress.phase, progress.fraction, progress.message)

    return evaluate(
        serve(student),
        as_examples(rows),
        threshold=student.threshold,
        rules=student.application.comparison_rules,
        progress=progress,
    )


def serve(student: Student) -> ServedStudent:
    """The student, loaded from its artifact.

    Raises:
        OdiaError: the artifact is missing, or is not what was registered.
    """
    try:
        folder = local_copy(student.artifact, Path(settings.DATA_DIR) / "cache")
        served = load_student(folder)
        unchanged = hash_file(folder / MANIFEST) == student.manifest_sha256
    except (ArtifactError, OSError) as error:
        raise OdiaError(f"The artifact of {student} cannot be loaded: {error}") from error
    if not unchanged:
        raise OdiaError(f"The artifact of {student} is not the one that was registered.")
    return served


@transaction.atomic
def evaluation_store(
    *,
    student: Student,
    rows: Sequence[DatasetExample],
    outcome: EvaluationReport,
    dataset: Dataset | None = None,
    window: tuple[datetime | None, datetime | None] = (None, None),
) -> Evaluation:
    """Keep what came out, with every example: on a dataset, or on the live traffic of a `window`."""
    evaluation = Evaluation.objects.create(
        student=student,
        dataset=dataset,
        window_from=window[0],
        window_to=window[1],
        threshold=student.threshold,
        figures=outcome.figures,
        curve=[asdict(point) for point in outcome.curve],
        per_function=[asdict(row) for row in outcome.per_function],
        system_latency=system_latency(
            student.application, outcome.figures["coverage"], outcome.figures["latency_ms"]["p50"]
        ),
    )
    judged = [_judged(evaluation, row, verdict) for row, verdict in zip(rows, outcome.judged, strict=True)]
    EvaluationExample.objects.bulk_create(judged, batch_size=BATCH)
    verdicts_carry_over(evaluation=evaluation)
    return evaluation


def _judged(evaluation: Evaluation, row: DatasetExample, judged: Judged) -> EvaluationExample:
    call = judged.answer
    return EvaluationExample(
        evaluation=evaluation,
        query_id=row.query_id,
        text=row.text,
        route=row.route,
        weight=row.weight,
        function=row.function,
        arguments=row.arguments,
        student_function=call.name if call else "",
        student_arguments=call.arguments if call else {},
        confidence=judged.prediction.confidence,
        served_by=judged.served_by or "",
        agrees=judged.agrees,
    )


def system_latency(application: Application, coverage: float, student_ms: float) -> dict[str, dict[str, float]]:
    """Mean, median and 90th percentile of an answer's latency without and with ODIA, in milliseconds.

    Empty where no latency of the teacher is known.
    """
    teacher = teacher_latencies(application)
    if not any(teacher.values()):
        return {}
    latencies = {
        "without": SystemLatency(teacher, 0.0).at(0.0),
        "with": SystemLatency(teacher, student_ms).at(coverage),
    }
    return {name: asdict(latency) for name, latency in latencies.items()}
