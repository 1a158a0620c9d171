"""Runs of each family: their settings, and what the trainer makes of them."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from curation.errors import OdiaError
from curation.models import Application
from curation.models.jobs import JobState, Trigger
from tests.training.learned import make_dataset
from tests.training.students.causal.conftest import tiny_model
from training.models import Student
from training.services.distillation import run_execute
from training.services.evaluations import serve
from training.services.loop import run_loop
from training.services.runs import run_create

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


def _quiet(phase: str, fraction: float, message: str = "") -> None:
    """Nobody watches."""
