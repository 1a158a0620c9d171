"""What must hold of a training that several processes share: one student comes of it, as of a training alone."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

from curation.ml.tools import parse_tools
from tests.training.students.conftest import TOOLS, make_examples
from training.students.base import Progress, RunCancelled, TrainingBrokenOff, TrainingError
from training.students.distillation import DistillationReport
from training.students.encoder.config import EncoderConfig
from training.students.evaluation import evaluate
from training.students.families import Learned, StudentConfig
from training.students.schedule import share_of
from training.students.serving import load_student
from training.students.sharing import Task
from training.students.spreading import learn, processes_for

EXAMPLES = make_examples(300, seed=1)


class Watched:
    """Keeps the reports of a training, and acts at the first above a share of it."""

    def __init__(self, share: float = 2.0, act: Callable[[], None] = lambda: None) -> None:
        self.reports: list[Progress] = []
        self._share, self._act = share, act

    def __call__(self, progress: Progress) -> None:
        self.reports.append(progress)
        if progress.metrics and progress.fraction > self._share:
            self._act()

    @property
    def steps(self) -> list[float]:
        return [report.metrics["step"] for report in self.reports if report.metrics]


def cancel() -> None:
    raise RunCancelled


def shared(config: StudentConfig, watched: Watched, place: Path | None, examples: Any = EXAMPLES) -> Learned:
    return learn(examples, parse_tools(TOOLS), config, watched, place, "fingerprint", 2)


def of_the_training(folder: Path) -> list[int]:
    """The processes whose command names the folder."""
    commands = {int(path.parent.name): path for path in Path("/proc").glob("[0-9]*/cmdline")}
    return [number for number, path in commands.items() if str(folder) in _read(path)]


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def wait_for_none(folder: Path) -> list[int]:
    for _ in range(50):
        if not of_the_training(folder):
            return []
        time.sleep(0.1)
    return of_the_training(folder)


@pytest.mark.parametrize("whole", [1, 2, 7, 8])
def test_the_shares_are_disjoint_equally_long_and_cover_all(whole: int) -> None:
    for processes in (1, 2, 3):
        shares = [share_of(range(whole), process, processes) for process in range(processes)]
        assert len({len(share) for share in shares}) == 1
        assert set().union(*shares) == set(range(whole))
        assert len(shares[0]) * processes - whole < processes, "no more is taken twice than makes them equal"


def test_two_processes_make_a_student_that_answers(
    tmp_path: Path, distil_tiny: Callable[..., DistillationReport]
) -> None:
    watched = Watched()
    report = distil_tiny(tmp_path / "student", processes=2, progress=watched)
    assert (report.processes, report.device) == (2, "cpu")
    meta = json.loads((tmp_path / "student" / "meta.json").read_text())
    assert (meta["processes"], meta["device"]) == (2, "cpu")
    assert meta["curve"][-1]["loss"] < 0.5 * meta["curve"][0]["loss"]
    assert watched.steps[-1] == 20 * 5, "of the ten batches of an epoch each takes five"
    assert all("s left" in one.message for one in watched.reports if one.metrics)
    figures = evaluate(load_student(tmp_path / "student"), make_examples(150, seed=3), threshold=None).figures
    assert figures["function_accuracy"] > 0.8


def test_a_shared_training_that_is_cancelled_stops_at_once_and_goes_on_from_its_checkpoint(
    tmp_path: Path, tiny_config: EncoderConfig
) -> None:
    with pytest.raises(RunCancelled):
        shared(replace(tiny_config, epochs=2000), Watched(0.0, cancel_after_checkpoint(tmp_path)), tmp_path)
    assert wait_for_none(tmp_path) == []
    done = json.loads((tmp_path / "current" / "state.json").read_text())["epoch"]
    resumed = Watched()
    shared(replace(tiny_config, epochs=done + 2), resumed, tmp_path)
    assert resumed.steps[0] == done * 5 + 1


def cancel_after_checkpoint(place: Path) -> Callable[[], None]:
    return lambda: cancel() if (place / "current").exists() else None


def test_a_process_that_is_killed_ends_the_training_in_a_sentence_and_leaves_the_checkpoints(
    tmp_path: Path, tiny_config: EncoderConfig
) -> None:
    def kill_one() -> None:
        if (tmp_path / "current").exists():
            for number in of_the_training(tmp_path)[-1:]:
                os.kill(number, signal.SIGKILL)

    with pytest.raises(TrainingBrokenOff, match=r"One of the 2 processes .* checkpoints are kept"):
        shared(replace(tiny_config, epochs=2000), Watched(0.0, kill_one), tmp_path)
    assert wait_for_none(tmp_path) == []
    assert (tmp_path / "current" / "state.safetensors").exists()


def test_what_cannot_be_learned_from_is_told_as_by_one_process(tmp_path: Path, tiny_config: EncoderConfig) -> None:
    with pytest.raises(TrainingError, match="at least 20 are needed"):
        shared(tiny_config, Watched(), tmp_path, EXAMPLES[:10])


def test_the_task_comes_out_of_its_file_as_it_went_in(tiny_config: EncoderConfig) -> None:
    task = Task("encoder", tiny_config.as_json(), EXAMPLES, TOOLS, "place", "fingerprint")
    again = msgspec.json.decode(msgspec.json.encode(task), type=Task)
    assert again == task
    assert again.student_config() == tiny_config


@pytest.mark.parametrize(("devices", "asked", "processes"), [(0, 0, 1), (0, 2, 2), (1, 0, 1), (4, 0, 4), (4, 2, 2)])
def test_there_is_one_process_for_each_accelerator_unless_asked_otherwise(
    monkeypatch: pytest.MonkeyPatch, devices: int, asked: int, processes: int
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: devices)
    assert processes_for(asked) == processes


def test_more_processes_than_accelerators_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(TrainingError, match="ODIA_TRAINING_PROCESSES to 2"):
        processes_for(3)
