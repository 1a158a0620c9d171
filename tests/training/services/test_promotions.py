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
from training.models import (
    Dataset,
    DistillationRun,
    Evaluation,
    EvaluationExample,
    Promotion,
    RoutingPolicy,
    Student,
)
from training.models.build_choices import BuildChoices
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


def covering(application: Application, dataset: Dataset, alone: int, champion_alone: int) -> Student:
    """The gates of the two hold back so many right answers to simple queries that the other one gives."""
    champion, newer = student(application, dataset, 1), student(application, dataset, 2)
    promote(student=champion)
    for held, given, number in ((champion, newer, alone), (newer, champion, champion_alone)):
        for _ in range(number):
            query_id = new_id()
            add_example(given.evaluations.get(), play("can"), play("can"), query_id=query_id)
            add_example(held.evaluations.get(), play("can"), play("can"), query_id=query_id, served_by="")
    return newer


@pytest.fixture
def less_covering(busy: Application, dataset: Dataset) -> Student:
    return covering(busy, dataset, alone=1, champion_alone=8)


def test_less_coverage_than_chance_explains_stops_a_promotion(less_covering: Student) -> None:
    with pytest.raises(OdiaError, match="it alone answers 8 simple ones rightly inline, music-encoder-2 alone 1"):
        promote(student=less_covering)


def test_less_coverage_by_chance_stops_no_promotion(busy: Application, dataset: Dataset) -> None:
    promote(student=covering(busy, dataset, alone=2, champion_alone=7))


def test_wrong_answers_and_what_audits_switched_off_are_no_coverage(busy: Application, dataset: Dataset) -> None:
    newer = covering(busy, dataset, alone=30, champion_alone=8)
    newer.switch_offs.create(application=busy, function="play", reason="9 of 20 differed.")
    with pytest.raises(OdiaError, match="alone answers 8 simple ones rightly inline, music-encoder-2 alone 0"):
        promote(student=newer)
    EvaluationExample.objects.filter(evaluation__student__version="music-encoder-1").update(agrees=False)
    promote(student=newer)


def test_what_the_champion_has_learned_is_no_example_for_the_comparison(less_covering: Student) -> None:
    champion = champion_of(less_covering.application)
    assert champion is not None
    older = dataset_build(application=champion.application, choices=BuildChoices(without_functions=("pause",)))
    Student.objects.filter(pk=champion.pk).update(dataset=older)
    with pytest.raises(OdiaError, match="alone answers 8 simple ones"):
        promote(student=less_covering)
    learned = older.examples.filter(split="train").values_list("query_id", flat=True)
    examples = EvaluationExample.objects.filter(evaluation__student=champion, served_by="student")
    for example, query_id in zip(examples, learned, strict=False):
        EvaluationExample.objects.filter(query_id=example.query_id).update(query_id=query_id)
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


def test_a_champion_that_was_certified_for_more_than_is_allowed_now_is_no_measure_either(
    less_covering: Student,
) -> None:
    RoutingPolicy.objects.update_or_create(application=less_covering.application, defaults={"epsilon": 0.01})
    Student.objects.filter(pk=less_covering.pk).update(certified_bound=0.009)
    less_covering.refresh_from_db()
    promote(student=less_covering)


def test_a_student_of_another_tool_set_is_not_promoted(busy: Application, dataset: Dataset) -> None:
    made = student(busy, dataset, 1)
    Query.objects.update(tool_set=tool_set_ensure(application=busy, tools=TOOLS[:1]))
    failed = [check.name for check in promotion_checks(student=made) if not check.passed]
    assert failed == ["tool set"]
