"""A student from a benchmark folder, and its figures: what `manage.py benchmark` prints."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from training.students.base import ProgressCallback
from training.students.distillation import distil
from training.students.evaluation import evaluate
from training.students.families import StudentConfig
from training.students.folder import BenchmarkFolder
from training.students.serving import load_student


def run_benchmark(
    data: BenchmarkFolder,
    *,
    config: StudentConfig,
    epsilon: float,
    artifact: Path,
    progress: ProgressCallback,
    processes: int = 1,
) -> dict[str, Any]:
    """Trains on `train`, calibrates on `valid` (and what `config` holds out of `train`), measures on `test`.

    Writes the student to `artifact`. Returns the JSON object of the command.
    """
    report = distil(
        train=data.train,
        calibration=data.valid,
        tools=data.tools,
        version="benchmark",
        folder=artifact,
        config=config,
        epsilon=epsilon,
        progress=progress,
        processes=processes,
    )
    student = load_student(artifact)
    figures = evaluate(student, data.test, threshold=student.threshold, progress=progress).figures
    return {"epsilon": epsilon, **asdict(report), **figures}
