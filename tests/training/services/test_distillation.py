"""What must hold of the trainer's folder: a kill leaves checkpoints to go on from, nothing else leaves anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import pytest
from pytest_django import Settings

from curation.models import Application
from curation.models.jobs import JobState, Trigger
from training.models import Dataset
from training.services import distillation
from training.services.datasets import dataset_approve, dataset_build
from training.services.distillation import run_execute
from training.services.runs import run_create
from training.students.base import RunCancelled, TrainingError


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


def test_a_run_with_other_settings_does_not_and_clears_away_what_was_left(
    fake_distil: FakeDistil, work: Path, dataset: Dataset
) -> None:
    execute(dataset, epochs=3)
    execute(dataset, epochs=4)
    execute(dataset, epochs=3)
    assert fake_distil.found == [[], [], []]
    assert len(list(work.rglob("current"))) == 1


def test_what_another_run_is_using_stays(fake_distil: FakeDistil, work: Path, dataset: Dataset) -> None:
    other = run_create(dataset=dataset, config={"epochs": 3}, trigger=Trigger.COMMAND)
    with pytest.raises(Killed):
        run_execute(run=other)
    execute(dataset, epochs=4)
    assert len(list(work.rglob("current"))) == 2


@pytest.mark.parametrize(
    ("end", "state"),
    [
        (RunCancelled(), JobState.CANCELLED),
        (TrainingError("There is nothing to learn."), JobState.FAILED),
        (OSError("no space left on device"), JobState.FAILED),
    ],
)
def test_a_run_that_is_cancelled_or_fails_leaves_nothing(
    fake_distil: FakeDistil, work: Path, dataset: Dataset, end: Exception, state: JobState
) -> None:
    fake_distil.ends_with = end
    assert execute(dataset) == state
    assert not [path for path in work.rglob("*") if path.is_file() or path.name.endswith(".partial")]
