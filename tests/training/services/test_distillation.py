"""What must hold of the trainer's folder: a run that stops leaves its checkpoints to go on from, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import pytest
from pytest_django import Settings

from curation.models import Application
from curation.models.jobs import JobState, Trigger
from curation.services.jobs import JobCancelled, Report
from training.models import Dataset
from training.services import distillation
from training.services.datasets import dataset_approve, dataset_build
from training.services.distillation import PARTS, STOPPED_KEPT, run_execute
from training.services.runs import run_create, run_resume
from training.students.base import RunCancelled, TrainingError

TRAINING_SHARE = PARTS["training"][1]


class Killed(BaseException):
    """Stands for the end of the process: nobody catches it."""


class FakeDistil:
    """Notes which checkpoints it finds, leaves one and half a student, and ends as it is told."""

    def __init__(self) -> None:
        self.ends_with: BaseException = Killed()
        self.found: list[list[str]] = []

    def __call__(self, *, folder: Path, checkpoint_folder: Path, **_: Any) -> NoReturn:
        self.found.append([path.name for path in checkpoint_folder.glob("*")])
        checkpoint_folder.mkdir(exist_ok=True)
        (checkpoint_folder / "current").touch()
        folder.with_name(f"{folder.name}.partial").mkdir()
        raise self.ends_with


@pytest.fixture
def fake_distil(monkeypatch: pytest.MonkeyPatch) -> FakeDistil:
    fake = FakeDistil()
    monkeypatch.setattr(distillation, "distil", fake)
    return fake


@pytest.fixture
def work(settings: Settings, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path / "work"


@pytest.fixture
def dataset(busy: Application) -> Dataset:
    return dataset_approve(dataset=dataset_build(application=busy))


def execute(dataset: Dataset, **config: Any) -> str:
    """A run from its start to its end; its job's state. After a kill, the job was found out to be lost."""
    run = run_create(dataset=dataset, config=config, trigger=Trigger.COMMAND)
    try:
        run_execute(run=run)
    except Killed:
        assert run.job.state == JobState.RUNNING
        run.job.state = JobState.FAILED
        run.job.save()
    return run.job.state


def test_the_run_after_a_kill_goes_on_from_its_checkpoints(
    fake_distil: FakeDistil, work: Path, dataset: Dataset
) -> None:
    execute(dataset, epochs=3)
    execute(dataset, epochs=3)
    assert fake_distil.found == [[], ["current"]]


def test_a_run_with_other_settings_does_not(fake_distil: FakeDistil, work: Path, dataset: Dataset) -> None:
    execute(dataset, epochs=3)
    execute(dataset, epochs=4)
    execute(dataset, epochs=3)
    assert fake_distil.found == [[], [], ["current"]]


def test_the_checkpoints_of_the_latest_stopped_runs_alone_are_kept(
    fake_distil: FakeDistil, work: Path, dataset: Dataset
) -> None:
    for epochs in range(3, 9):
        execute(dataset, epochs=epochs)
    assert len(list(work.rglob("current"))) == STOPPED_KEPT + 1
    execute(dataset, epochs=3)
    assert fake_distil.found[-1] == []


def test_what_another_run_is_using_stays(fake_distil: FakeDistil, work: Path, dataset: Dataset) -> None:
    other = run_create(dataset=dataset, config={"epochs": 3}, trigger=Trigger.COMMAND)
    with pytest.raises(Killed):
        run_execute(run=other)
    execute(dataset, epochs=4)
    assert len(list(work.rglob("current"))) == 2


@pytest.mark.parametrize(
    ("end", "state"),
    [(RunCancelled(), JobState.CANCELLED), (OSError("no space left on device"), JobState.FAILED)],
)
def test_a_run_that_is_cancelled_or_breaks_off_leaves_its_checkpoints_alone(
    fake_distil: FakeDistil, work: Path, dataset: Dataset, end: Exception, state: JobState
) -> None:
    fake_distil.ends_with = end
    assert execute(dataset) == state
    assert [path.name for path in work.rglob("*") if path.is_file() or path.name.endswith(".partial")] == ["current"]


def test_a_run_that_cannot_learn_leaves_nothing(fake_distil: FakeDistil, work: Path, dataset: Dataset) -> None:
    fake_distil.ends_with = TrainingError("There is nothing to learn.")
    assert execute(dataset) == JobState.FAILED
    assert not [path for path in work.rglob("*") if path.is_file() or path.name.endswith(".partial")]


def test_a_resumed_run_goes_on_from_where_it_was_cancelled(work: Path, dataset: Dataset) -> None:
    """Really trained: 64 examples are two steps an epoch."""
    small = {"layers": 1, "epochs": 4, "folds": 2, "precision": "float32"}
    run = run_create(dataset=dataset, config=small, trigger=Trigger.COMMAND)
    assert run_execute(run=run, watch=cancel_at("epoch 4")).state == JobState.CANCELLED
    run.refresh_from_db()
    seen: list[float] = []
    resumed = run_resume(run=run, trigger=Trigger.PAGE)
    job = run_execute(run=resumed, watch=lambda phase, fraction, message="": seen.append(fraction))
    assert job.state == JobState.DONE, job.message
    resumed.refresh_from_db()
    steps = [point["step"] for point in resumed.curve]
    assert steps == sorted(set(steps)) and steps[0] == run.curve[0]["step"], "the curve goes on without a gap"
    assert seen[0] > 0.6 * TRAINING_SHARE, "three of four epochs were not done again"
    assert f"run {resumed.pk} goes on with run {run.pk}, from its checkpoints" in resumed.log


def cancel_at(words: str) -> Report:
    """A watcher that stops the run at the first message with these words."""

    def watch(phase: str, fraction: float, message: str = "") -> None:
        if words in message:
            raise JobCancelled

    return watch
