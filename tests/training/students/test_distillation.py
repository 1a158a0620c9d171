"""What must hold of a distillation: it learns, repeats itself, stops when asked and goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from curation.ml.tools import hash_tools
from tests.training.students.conftest import TOOLS, make_examples
from training.students.artifacts import hash_file
from training.students.base import Progress, RunCancelled, TrainingError
from training.students.distillation import DistillationReport
from training.students.encoder.config import EncoderConfig
from training.students.evaluation import evaluate
from training.students.serving import load_student

Distil = Callable[..., DistillationReport]
WEIGHT_FILES = ("model.safetensors", "model.onnx", "memo.json", "tokenizer.json")


class _Stop:
    """Cancels at the first report after the given epoch's checkpoint."""

    def __init__(self, epoch: int) -> None:
        self._epoch = epoch

    def __call__(self, progress: Progress) -> None:
        if progress.phase == "training" and progress.fraction >= self._epoch:
            raise RunCancelled


def test_a_student_learns_functions_values_and_refusals(student_folder: Path) -> None:
    student = load_student(student_folder)
    examples = make_examples(200, seed=3)
    report = evaluate(student, examples, threshold=student.threshold)
    simple = evaluate(student, [one for one in examples if one.route == "simple"], threshold=student.threshold)
    assert simple.figures["function_accuracy"] > 0.9
    assert simple.figures["exact_match"] > 0.8
    assert student.threshold is not None
    assert report.figures["coverage"] > 0.3
    assert report.figures["disagreement_inline"] <= 0.05


def test_the_artifact_says_how_it_was_made(student_folder: Path) -> None:
    meta = json.loads((student_folder / "meta.json").read_text())
    assert meta["version"] == "tiny"
    assert meta["tool_set_sha256"] == hash_tools(TOOLS)
    assert meta["config"]["epochs"] == 20
    assert meta["labels"]["functions"] == ["play_music", "set_volume"]
    assert meta["curve"][0]["loss"] > meta["curve"][-1]["loss"]
    assert 0 < meta["curve"][0]["peak_memory_mb"] <= meta["curve"][-1]["peak_memory_mb"] <= meta["peak_memory_mb"]
    assert 0 <= meta["network"]["agreement"] <= 1
    assert {"train_seconds", "peak_memory_mb", "data_sha256", "libraries", "epsilon", "gate"} <= set(meta)


def test_the_same_seed_gives_the_same_student(student_folder: Path, distil_tiny: Distil, tmp_path: Path) -> None:
    distil_tiny(tmp_path / "again")
    for name in WEIGHT_FILES:
        assert hash_file(tmp_path / "again" / name) == hash_file(student_folder / name), name
    first, second = (json.loads((at / "meta.json").read_text()) for at in (student_folder, tmp_path / "again"))
    assert first["gate"] == second["gate"]
    assert first["threshold"] == second["threshold"]


def test_another_seed_gives_another_student(
    student_folder: Path, distil_tiny: Distil, tmp_path: Path, tiny_config: EncoderConfig
) -> None:
    distil_tiny(tmp_path / "other", config=replace(tiny_config, seed=1))
    assert hash_file(tmp_path / "other" / "model.safetensors") != hash_file(student_folder / "model.safetensors")


def test_a_cancelled_run_leaves_no_artifact(distil_tiny: Distil, tmp_path: Path) -> None:
    with pytest.raises(RunCancelled):
        distil_tiny(tmp_path / "stopped", progress=_Stop(0))
    assert list(tmp_path.iterdir()) == []


def test_a_run_cancelled_while_it_calibrates_leaves_no_artifact(distil_tiny: Distil, tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.phase == "calibration":
            raise RunCancelled

    with pytest.raises(RunCancelled):
        distil_tiny(tmp_path / "stopped", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_a_killed_run_goes_on_from_its_checkpoint_and_ends_the_same(
    student_folder: Path, distil_tiny: Distil, tmp_path: Path
) -> None:
    checkpoints = tmp_path / "checkpoints"
    with pytest.raises(RunCancelled):
        distil_tiny(tmp_path / "student", progress=_Stop(1), checkpoint_folder=checkpoints)
    reports: list[Progress] = []
    distil_tiny(tmp_path / "student", progress=reports.append, checkpoint_folder=checkpoints)
    training = [report.fraction for report in reports if report.phase == "training"]
    assert min(training) > 0.5
    for name in WEIGHT_FILES:
        assert hash_file(tmp_path / "student" / name) == hash_file(student_folder / name), name


def test_a_checkpoint_of_other_data_is_left_alone(distil_tiny: Distil, tmp_path: Path) -> None:
    checkpoints = tmp_path / "checkpoints"
    with pytest.raises(RunCancelled):
        distil_tiny(tmp_path / "student", progress=_Stop(1), checkpoint_folder=checkpoints)
    reports: list[Progress] = []
    other = make_examples(250, seed=9)
    distil_tiny(tmp_path / "student", train=other, progress=reports.append, checkpoint_folder=checkpoints)
    assert min(report.fraction for report in reports if report.phase == "training") < 0.1


def test_progress_grows_and_tells_the_time_left(distil_tiny: Distil, tmp_path: Path) -> None:
    reports: list[Progress] = []
    distil_tiny(tmp_path / "student", progress=reports.append)
    training = [report for report in reports if report.phase == "training"]
    assert [report.fraction for report in training] == sorted(report.fraction for report in training)
    assert training[-1].fraction == 1
    assert all("s left" in report.message and report.metrics for report in training)


def test_nothing_to_learn_from_is_said(distil_tiny: Distil, tmp_path: Path) -> None:
    no_calls = [example for example in make_examples(300, seed=1) if example.route == "no_call"]
    with pytest.raises(TrainingError, match="Only 0 training examples"):
        distil_tiny(tmp_path / "student", train=no_calls)


def test_too_many_layers_are_refused(distil_tiny: Distil, tmp_path: Path, tiny_config: EncoderConfig) -> None:
    with pytest.raises(TrainingError, match="`layers` must be 1 to 2"):
        distil_tiny(tmp_path / "student", config=replace(tiny_config, layers=9))


def test_without_enough_calibration_the_report_says_how_many_more(distil_tiny: Distil, tmp_path: Path) -> None:
    report = distil_tiny(tmp_path / "student", calibration=make_examples(60, seed=2))
    assert report.threshold is None
    assert report.certified_bound is None
    assert report.more_calibration_examples_needed is None or report.more_calibration_examples_needed > 0


def test_few_calibration_examples_are_joined_by_cross_fitted_ones(
    distil_tiny: Distil, tmp_path: Path, tiny_config: EncoderConfig
) -> None:
    reports: list[Progress] = []
    calibration = make_examples(60, seed=2)
    config = replace(tiny_config, calibration_wanted=10_000)
    checkpoints = tmp_path / "checkpoints"
    report = distil_tiny(
        tmp_path / "student",
        calibration=calibration,
        config=config,
        progress=reports.append,
        checkpoint_folder=checkpoints,
    )
    assert report.train_examples == 300
    assert 300 < report.calibration_examples <= 360
    assert report.threshold is not None
    fractions = [one.fraction for one in reports if one.phase == "calibration"]
    assert fractions == sorted(fractions)


def test_folds_that_are_done_are_not_done_again(
    distil_tiny: Distil, tmp_path: Path, tiny_config: EncoderConfig
) -> None:
    def stop(progress: Progress) -> None:
        if progress.message.startswith("part 2"):
            raise RunCancelled

    config = replace(tiny_config, calibration_wanted=10_000)
    changes = {"calibration": [], "config": config, "checkpoint_folder": tmp_path / "checkpoints"}
    with pytest.raises(RunCancelled):
        distil_tiny(tmp_path / "student", progress=stop, **changes)
    reports: list[Progress] = []
    resumed = distil_tiny(tmp_path / "student", progress=reports.append, **changes)
    assert not any("part 1 of 3: epoch" in report.message for report in reports)
    undisturbed = distil_tiny(tmp_path / "other", calibration=[], config=config)
    assert resumed.threshold == undisturbed.threshold
