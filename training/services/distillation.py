"""What the trainer does with a run: it distils the student, stores and registers it, and has it evaluated.

The one service that imports torch: pages must not import it.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.humanize.templatetags.humanize import ordinal

from curation.errors import OdiaError
from curation.ml.tools import canonical_json
from curation.models import Job
from curation.models.jobs import JobState
from curation.services.jobs import JobCancelled, Report, job_run
from training.models import DistillationRun, Student
from training.models.datasets import Split
from training.selectors.examples import examples_of
from training.services.evaluations import evaluate_student
from training.services.policies import policy_of
from training.students.artifacts import MANIFEST, hash_file
from training.students.base import Progress, ProgressCallback, RunCancelled, TrainingBrokenOff, TrainingError
from training.students.checkpoints import found_in
from training.students.distillation import DistillationReport, distil, hash_text
from training.students.families import CONFIGS
from training.students.spreading import processes_for
from training.students.store import upload

WRITE_EVERY_SECONDS = 1.0
STOPPED_KEPT = 2
"""Stopped runs of an application whose checkpoints wait to be taken up; each takes some hundred megabytes."""
PARTS = {"training": (0.0, 0.45), "calibration": (0.45, 0.9), "evaluation": (0.9, 1.0)}
"""Where each phase of a run begins and ends in the progress of its job."""


def run_execute(*, run: DistillationRun, watch: Report | None = None) -> Job:
    """Distil the student of a run and evaluate it; its job says how it went."""
    return job_run(job=run.job, work=lambda report: _distil_and_evaluate(run, report), watch=watch)


def _distil_and_evaluate(run: DistillationRun, report: Report) -> dict[str, Any]:
    try:
        student = Student.objects.filter(run=run).select_related("dataset", "application").first()
        student = student or _distil(run, report)
    except RunCancelled as error:
        raise JobCancelled from error
    except (TrainingError, TrainingBrokenOff) as error:
        raise OdiaError(str(error)) from error
    evaluation = evaluate_student(
        student=student,
        report=lambda phase, fraction, message="": report(phase, _of_whole("evaluation", fraction), message),
    )
    return {"student": student.pk, "evaluation": evaluation.pk}


def _of_whole(phase: str, fraction: float) -> float:
    start, end = PARTS[phase]
    return start + (end - start) * fraction


def _distil(run: DistillationRun, report: Report) -> Student:
    application = run.application
    version = f"{application.slug}-{run.family}-{run.pk}"
    epsilon = policy_of(application).epsilon
    with _workplace(run) as place:
        _say_where_it_begins(run, place)
        folder = place / version
        outcome = distil(
            train=examples_of(run.dataset, Split.TRAIN),
            calibration=examples_of(run.dataset, Split.CALIBRATION),
            tools=run.dataset.tool_set.tools,
            version=version,
            folder=folder,
            config=CONFIGS[run.family](**run.config),
            epsilon=epsilon,
            rules=application.comparison_rules,
            progress=_progress(run, report),
            checkpoint_folder=place / "checkpoints",
            processes=processes_for(settings.TRAINING_PROCESSES),
        )
        url = f"{settings.ARTIFACTS.rstrip('/')}/{version}"
        upload(folder, url, replace=True)  # what a killed attempt of this run left there is nobody's
        return _register(run, version, url, hash_file(folder / MANIFEST), epsilon, outcome)


@contextmanager
def _workplace(run: DistillationRun) -> Iterator[Path]:
    """A folder for the files of a run while it lasts.

    A run that is cancelled, killed or breaks off leaves its checkpoints there, and the next one with the same dataset
    and settings takes them up. Those of the latest stopped runs are kept; all else of runs that have ended goes.
    """
    place = _place_of(run)
    _clear_away(run, place)
    place.mkdir(parents=True, exist_ok=True)
    try:
        yield place
    except TrainingError:
        shutil.rmtree(place)
        raise
    except Exception:
        _clear_away(run, place)
        raise
    shutil.rmtree(place)


def _clear_away(run: DistillationRun, place: Path) -> None:
    """All but the checkpoints of this run, the files of running ones and those of the latest stopped ones."""
    others = DistillationRun.objects.filter(application=run.application).exclude(pk=run.pk).select_related("dataset")
    running = others.filter(job__state=JobState.RUNNING)
    stopped = others.filter(job__state__in=[JobState.FAILED, JobState.CANCELLED], student=None).order_by("-pk")
    kept = {place, place / "checkpoints", *map(_place_of, [*running, *stopped[:STOPPED_KEPT]])}
    for left in {*place.parent.glob("*"), *place.glob("*")} - kept:
        shutil.rmtree(left)


def _place_of(run: DistillationRun) -> Path:
    learned_from = canonical_json([run.dataset.sha256, run.family, run.config])
    return Path(settings.DATA_DIR) / "work" / str(run.application_id) / hash_text(learned_from)[:16]


def _say_where_it_begins(run: DistillationRun, place: Path) -> None:
    """A line of the log for a run that goes on: from an earlier one, or after its own process died."""
    if not run.log:
        return
    how = found_in(place / "checkpoints") or "from the beginning: there are no checkpoints"
    if run.job.attempts > 1:
        run.log += f"\nrun {run.pk} is begun for the {ordinal(run.job.attempts)} time and goes on {how}"
    elif run.based_on_id:
        run.log += f"\nrun {run.pk} goes on with run {run.based_on_id}, {how}"


def _register(
    run: DistillationRun, version: str, url: str, manifest: str, epsilon: float, outcome: DistillationReport
) -> Student:
    return Student.objects.create(
        application=run.application,
        version=version,
        family=run.family,
        run=run,
        dataset=run.dataset,
        tool_set=run.dataset.tool_set,
        artifact=url,
        manifest_sha256=manifest,
        epsilon=epsilon,
        threshold=outcome.threshold,
        certified_bound=outcome.certified_bound,
        report=asdict(outcome),
    )


def _progress(run: DistillationRun, report: Report) -> ProgressCallback:
    """Keeps a run's curve and log in its row, written at most once a second."""
    curve: list[dict[str, float]] = run.curve
    log: list[str] = run.log.splitlines()
    last_write = 0.0

    def progress(progress: Progress, /) -> None:
        nonlocal last_write
        if progress.metrics:
            # Where a run goes on, the steps after its checkpoint are taken anew.
            curve[:] = [point for point in curve if point["step"] < progress.metrics["step"]]
            curve.append({"fraction": progress.fraction, **progress.metrics})
        if progress.message and (not log or log[-1] != progress.message):
            log.append(progress.message)
        if time.monotonic() - last_write >= WRITE_EVERY_SECONDS or progress.fraction >= 1:
            last_write = time.monotonic()
            DistillationRun.objects.filter(pk=run.pk).update(curve=curve, log="\n".join(log))
        try:
            report(progress.phase, _of_whole(progress.phase, progress.fraction), progress.message)
        except JobCancelled as error:
            raise RunCancelled from error

    return progress
