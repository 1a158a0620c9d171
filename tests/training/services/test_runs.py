"""Runs of each family: their settings, and what the trainer makes of them."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from curation.errors import OdiaError
from curation.models import Application
from curation.models.jobs import JobState, Trigger
from tests.training.learned import make_dataset, make_run, make_student
from tests.training.students.causal.conftest import tiny_model
from training.models import Student
from training.services.distillation import run_execute
from training.services.evaluations import serve
from training.services.loop import run_loop
from training.services.runs import run_create, run_resume, settings_of

__all__ = ["tiny_model"]

SMALL = {
    "epochs": 15,
    "calibration_wanted": 0,
    "lora_rank": 0,
    "learning_rate": 3e-3,
    "precision": "float32",
    "max_value_tokens": 16,
}
ARTISTS = ["Can", "Air", "Blur", "Low", "Wire", "Sade", "Nina", "Fela", "Miles"]


@pytest.mark.parametrize(
    ("family", "config", "sentence"),
    [
        ("encoder", {"lora_rank": 4}, "A student of the encoder family has no setting lora_rank."),
        ("causal", {"base": "small", "layers": 2}, "A student of the causal family has no setting layers."),
        ("causal", {}, "A causal student needs a base model"),
    ],
)
def test_settings_of_another_family_are_refused(
    application: Application, family: str, config: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(OdiaError, match=sentence):
        run_create(dataset=make_dataset(application, ["hello"]), family=family, config=config, trigger=Trigger.COMMAND)
    with pytest.raises(OdiaError, match=sentence):
        run_loop(application=application, approve="none", family=family, config=config, watch=_quiet)


def test_a_causal_run_ends_with_a_registered_student_that_answers(application: Application, tiny_model: Path) -> None:
    texts = [f"play {first} {second}" for first, second in permutations(ARTISTS, 2)]
    dataset = make_dataset(application, texts)
    run = run_create(
        dataset=dataset, family="causal", config={"base": str(tiny_model), **SMALL}, trigger=Trigger.COMMAND
    )
    job = run_execute(run=run)
    assert job.state == JobState.DONE, job.message
    student = Student.objects.get()
    assert (student.family, student.version) == ("causal", f"{application.slug}-causal-{run.pk}")
    call = serve(student).predict(["play Can"])[0].call
    assert call and call.name == "play_music" and call.arguments.keys() == {"artist"}


def test_a_stopped_run_is_gone_on_with_once(application: Application) -> None:
    stopped = make_run(make_dataset(application, ["hello"]), JobState.CANCELLED)
    stopped.config = settings_of("encoder", {"epochs": 5}).as_json()
    stopped.save()
    resumed = run_resume(run=stopped, trigger=Trigger.PAGE)
    assert (resumed.based_on, resumed.config, resumed.job.state) == (stopped, stopped.config, JobState.QUEUED)
    assert (resumed.curve, resumed.log) == (stopped.curve, stopped.log)
    with pytest.raises(OdiaError, match=f"Run {resumed.pk} went on from run {stopped.pk} already"):
        run_resume(run=stopped, trigger=Trigger.PAGE)


@pytest.mark.parametrize(
    ("state", "sentence"), [(JobState.RUNNING, "still under way"), (JobState.DONE, "has made its student")]
)
def test_only_a_stopped_run_is_gone_on_with(application: Application, state: JobState, sentence: str) -> None:
    run = make_run(make_dataset(application, ["hello"]), state)
    with pytest.raises(OdiaError, match=sentence):
        run_resume(run=run, trigger=Trigger.PAGE)


def test_a_run_cancelled_while_its_student_was_evaluated_has_nothing_to_go_on_with(application: Application) -> None:
    student = make_student(make_dataset(application, ["hello"]))
    student.run.job.state = JobState.CANCELLED
    student.run.job.save()
    with pytest.raises(OdiaError, match="has made its student"):
        run_resume(run=student.run, trigger=Trigger.PAGE)


def _quiet(phase: str, fraction: float, message: str = "") -> None:
    """Nobody watches."""
