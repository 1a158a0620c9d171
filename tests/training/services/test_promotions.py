from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest

from curation.errors import OdiaError
from curation.identifiers import new_id
from curation.models import Application, Job, Query
from curation.services.applications import tool_set_ensure
from tests.training.disagreeing import add_example, play
from tests.training.services.conftest import TOOLS
from training.models import Dataset, DistillationRun, Evaluation, EvaluationExample, Promotion, Student
from training.models.datasets import ExampleRoute
from training.selectors.aliases import champion_of
from training.services.checks import promotion_checks
from training.services.datasets import dataset_build
from training.services.promotions import promote, roll_back

FIGURES: dict[str, Any] = {
    "test_examples": 1000,
    "coverage": 0.7,
    "disagreement_inline": 0.01,
    "latency_ms": {"p50": 2.0, "p90": 3.0, "p99": 5.0},
}


def student(application: Application, dataset: Dataset, number: int, **changes: Any) -> Student:
    job = Job.objects.create(application=application, kind="distil", trigger="page", state="done")
    run = DistillationRun.objects.create(application=application, dataset=dataset, job=job)
    values = {"epsilon": 0.02, "threshold": 0.9, "certified_bound": 0.018, **changes}
    figures = {**FIGURES, **values.pop("figures", {})}
    made = Student.objects.create(
        application=application,
        version=f"music-encoder-{number}",
        family="encoder",
        run=run,
        dataset=dataset,
        tool_set=dataset.tool_set,
        artifact="file:///nowhere",
        manifest_sha256="0" * 64,
        report={"more_calibration_examples_needed": 400},
        **values,
    )
    Evaluation.objects.create(
        student=made,
        dataset=dataset,
        figures=figures,
        curve=[],
        per_function=[],
        system_latency={},
    )
    return made


@pytest.fixture
def dataset(busy: Application) -> Dataset:
    return dataset_build(application=busy)


def test_a_promotion_and_the_way_back(busy: Application, dataset: Dataset) -> None:
    first, second = student(busy, dataset, 1), student(busy, dataset, 2)
    promote(student=first)
    promote(student=second)
    assert champion_of(busy) == second
    roll_back(application=busy)
    assert champion_of(busy) == first
    roll_back(application=busy)
    assert champion_of(busy) is None
    with pytest.raises(OdiaError, match="no promotion to roll back"):
        roll_back(application=busy)
    assert Promotion.objects.count() == 4


def test_the_champion_is_not_promoted_again(busy: Application, dataset: Dataset) -> None:
    only = student(busy, dataset, 1)
    promote(student=only)
    with pytest.raises(OdiaError, match="is the champion already"):
        promote(student=only)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"threshold": None, "certified_bound": None}, "About 400 more calibration examples would be needed"),
        ({"certified_bound": 0.03}, "at most 3.00% with 95% confidence; 2.0% is allowed"),
        ({"figures": {"coverage": 0.02}}, "It covers 2.0% of the test split"),
        ({"figures": {"disagreement_inline": 0.08}}, "56 of 700 inline answers differ"),
        ({"figures": {"coverage": 0.0, "disagreement_inline": None}}, "It answered no test example inline"),
        ({"figures": {"test_examples": 20}}, "It answered 14 test examples inline; at least 50 are needed"),
        ({"figures": {"latency_ms": {"p99": 80.0}}}, "within 80.0 ms; 50 ms are allowed"),
    ],
)
def test_a_failing_check_stops_a_promotion(
    busy: Application, dataset: Dataset, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(OdiaError, match=sentence):
        promote(student=student(busy, dataset, 1, **changes))
    assert champion_of(busy) is None


def nine_answers_alone_are_wrong(newer: Student, champion: Student, served_by: str) -> None:
    for _ in range(9):
        query_id = new_id()
        add_example(champion.evaluations.get(), play("can"), play("can"), query_id=query_id)
        add_example(newer.evaluations.get(), play("can"), play("blur"), query_id=query_id, served_by=served_by)


@pytest.mark.parametrize(("route", "stops"), [(ExampleRoute.SIMPLE, True), (ExampleRoute.COMPLEX, False)])
def test_a_function_of_which_less_is_right_stops_a_promotion_as_far_as_it_is_simple(
    busy: Application, dataset: Dataset, route: ExampleRoute, stops: bool
) -> None:
    """Also where the gate holds the wrong answers back: what it holds back is not answered inline."""
    champion, newer = student(busy, dataset, 1), student(busy, dataset, 2)
    promote(student=champion)
    nine_answers_alone_are_wrong(newer, champion, served_by="")
    EvaluationExample.objects.update(route=route)
    with pytest.raises(OdiaError, match="Worse than the champion at: play") if stops else nullcontext():
        promote(student=newer)


def test_a_function_with_more_wrong_answers_inline_than_chance_explains_stops_a_promotion(
    busy: Application, dataset: Dataset
) -> None:
    champion, newer = student(busy, dataset, 1), student(busy, dataset, 2)
    promote(student=champion)
    nine_answers_alone_are_wrong(newer, champion, served_by="student")
    with pytest.raises(OdiaError, match="Worse than the champion at: play"):
        promote(student=newer)


@pytest.fixture
def less_covering(busy: Application, dataset: Dataset) -> Student:
    """Its gate holds back eight right answers to simple queries that the champion gives, which holds back one."""
    champion, newer = student(busy, dataset, 1), student(busy, dataset, 2)
    promote(student=champion)
    for number in range(9):
        query_id = new_id()
        held, given = (champion, newer) if number == 8 else (newer, champion)
        add_example(given.evaluations.get(), play("can"), play("can"), query_id=query_id)
        add_example(held.evaluations.get(), play("can"), play("can"), query_id=query_id, served_by="")
    return newer


def test_less_coverage_than_chance_explains_stops_a_promotion(less_covering: Student) -> None:
    with pytest.raises(
        OdiaError, match="champion music-encoder-1 alone answers 8 rightly inline, music-encoder-2 alone 1"
    ):
        promote(student=less_covering)


def test_what_was_not_to_be_answered_is_no_coverage(less_covering: Student) -> None:
    EvaluationExample.objects.update(route=ExampleRoute.COMPLEX)
    promote(student=less_covering)


@pytest.mark.parametrize("function", ["play", ""])
def test_what_audits_switched_off_of_the_champion_is_no_coverage(less_covering: Student, function: str) -> None:
    champion = champion_of(less_covering.application)
    assert champion is not None
    champion.switch_offs.create(application=champion.application, function=function, reason="9 of 20 differed.")
    promote(student=less_covering)


def test_a_champion_that_errs_more_than_is_allowed_is_no_measure_of_coverage(less_covering: Student) -> None:
    Evaluation.objects.filter(student__version="music-encoder-1").update(
        figures={**FIGURES, "disagreement_inline": 0.08}
    )
    promote(student=less_covering)


def test_a_student_of_another_tool_set_is_not_promoted(busy: Application, dataset: Dataset) -> None:
    made = student(busy, dataset, 1)
    Query.objects.update(tool_set=tool_set_ensure(application=busy, tools=TOOLS[:1]))
    failed = [check.name for check in promotion_checks(student=made) if not check.passed]
    assert failed == ["tool set"]
