"""Evaluations: on which test split, and what reviewers had said before."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from curation.errors import OdiaError
from curation.ml.calls import Call
from curation.ml.tools import parse_tools
from curation.models import Application, Job
from curation.models.jobs import JobKind, JobState, Trigger
from tests.training.learned import TOOLS, make_dataset, make_student
from training import tasks
from training.models import Dataset, Evaluation, Student
from training.models.evaluations import Verdict
from training.services import evaluations
from training.services.evaluations import evaluate_student
from training.services.verdicts import example_judge
from training.students.base import Prediction
from training.students.memo import Memo

TEXTS = [f"play artist {number}" for number in range(12)]


class OneTrack:
    """Plays Can, whatever it is asked."""

    memo = Memo({})
    tools = parse_tools(TOOLS)

    def predict(self, queries: list[str]) -> list[Prediction]:
        return [Prediction(Call("play_music", {"artist": "Can"}), 0.95) for _ in queries]


@pytest.fixture
def student(application: Application, monkeypatch: pytest.MonkeyPatch) -> Student:
    monkeypatch.setattr(evaluations, "serve", lambda student: OneTrack())
    return make_student(make_dataset(application, TEXTS))


@pytest.fixture
def other(application: Application) -> Dataset:
    return make_dataset(application, TEXTS[:6])


def nothing(phase: str, fraction: float, message: str = "") -> None:
    """Where it is, nobody asks."""


def test_a_student_is_held_against_its_own_dataset_or_the_one_that_is_named(student: Student, other: Dataset) -> None:
    assert evaluate_student(student=student, report=nothing).examples.count() == 4
    elsewhere = evaluate_student(student=student, report=nothing, dataset=other)
    assert (elsewhere.dataset, elsewhere.examples.count()) == (other, 2)


def test_a_job_names_the_dataset(student: Student, other: Dataset) -> None:
    for parameters, dataset in (({}, student.dataset), ({"dataset": other.pk}, other)):
        job = Job.objects.create(
            application=student.application,
            kind=JobKind.EVALUATE,
            trigger=Trigger.PAGE,
            parameters={"student": student.pk, **parameters},
        )
        tasks.evaluate(job.pk)
        job.refresh_from_db()
        assert job.state == JobState.DONE
        assert Evaluation.objects.get(pk=job.result["evaluation"]).dataset == dataset


def test_what_was_judged_before_is_judged_in_a_new_evaluation(student: Student, users: dict[str, User]) -> None:
    first = evaluate_student(student=student, report=nothing)
    judged = first.examples.all()[0]
    example_judge(example=judged, verdict=Verdict.BOTH, user=users["reviewer"])
    again = evaluate_student(student=student, report=nothing)
    carried = again.examples.get(query_id=judged.query_id).judgements.get()
    assert (carried.verdict, carried.judged_by) == (Verdict.BOTH, users["reviewer"])
    assert again.examples.filter(judgements=None).count() == 3


def test_a_dataset_without_test_examples_is_told(student: Student, application: Application) -> None:
    with pytest.raises(OdiaError, match="has no test examples"):
        evaluate_student(student=student, report=nothing, dataset=make_dataset(application, TEXTS[:2]))
