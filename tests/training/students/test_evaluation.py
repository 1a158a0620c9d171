"""What must hold of an evaluation: its arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from curation.ml.calls import Call
from curation.ml.tools import parse_tools
from tests.training.students.conftest import TOOLS
from training.students.base import Example, Prediction, Progress, Route
from training.students.certification import upper_bound
from training.students.evaluation import evaluate
from training.students.memo import Memo
from training.students.risk import coverage_at, rank, risk_curve


def _play(artist: str) -> Call:
    return Call("play_music", {"artist": artist})


class _Scripted:
    """A student that says what it is told to."""

    version = "scripted"
    threshold: float | None = 0.5
    tools = parse_tools(TOOLS)
    tool_set_sha256 = tools.sha256

    def __init__(self, predictions: dict[str, Prediction], memo: dict[str, Call]) -> None:
        self._predictions = predictions
        self.memo = Memo(memo)

    def predict(self, queries: Sequence[str]) -> list[Prediction]:
        return [self._predictions[query] for query in queries]


def _example(query: str, call: Call | None, route: Route = "simple", weight: float = 1.0) -> Example:
    return Example(query, query, call, route, weight)


@pytest.fixture
def student() -> _Scripted:
    return _Scripted(
        {
            "right": Prediction(_play("Blur"), 0.9),
            "wrong value": Prediction(_play("Can"), 0.8),
            "unsure": Prediction(_play("Blur"), 0.4),
            "chat answered": Prediction(Call("set_volume", {"level": 3}), 0.6),
            "chat refused": Prediction(None, 0.0, "the query asks for no call"),
            "remembered": Prediction(None, 0.0, "the query is not simple"),
        },
        {"remembered": _play("Air")},
    )


EXAMPLES = [
    _example("right", _play("blur")),
    _example("wrong value", _play("Blur")),
    _example("unsure", _play("Blur")),
    _example("chat answered", None, "no_call"),
    _example("chat refused", None, "no_call"),
    _example("remembered", _play("Air")),
]


def test_the_shares_are_those_counted_by_hand(student: _Scripted) -> None:
    figures = evaluate(student, EXAMPLES, threshold=0.5).figures
    assert figures["test_examples"] == 6
    assert figures["exact_match"] == pytest.approx(3 / 6)
    assert figures["function_accuracy"] == pytest.approx(3 / 4)
    assert figures["coverage"] == pytest.approx(4 / 6)
    assert figures["covered_by_memo"] == pytest.approx(1 / 6)
    assert figures["disagreement_inline"] == pytest.approx(2 / 4)
    assert figures["disagreement_inline_upper_bound"] == pytest.approx(upper_bound(2, 4))
    assert figures["disagreement_all"] == pytest.approx(2 / 6)
    assert figures["no_call"] == {"answered_with_call": 0.5, "refused_or_no_call": 0.5}
    assert figures["coverage_at"] == {key: pytest.approx(2 / 6) for key in ("0.005", "0.01", "0.02", "0.05")}
    assert set(figures["latency_ms"]) == {"p50", "p90", "p99"}


def test_queries_count_as_often_as_they_came(student: _Scripted) -> None:
    heavy = [_example("right", _play("Blur"), weight=9.0), _example("wrong value", _play("Blur"), weight=1.0)]
    figures = evaluate(student, heavy, threshold=0.5).figures
    assert figures["exact_match"] == pytest.approx(0.9)
    assert figures["disagreement_inline"] == pytest.approx(0.1)


def test_each_example_is_judged(student: _Scripted) -> None:
    judged = {item.example.query: item for item in evaluate(student, EXAMPLES, threshold=0.5).judged}
    assert {query: item.served_by for query, item in judged.items()} == {
        "right": "student",
        "wrong value": "student",
        "unsure": None,
        "chat answered": "student",
        "chat refused": None,
        "remembered": "memo",
    }
    assert {query for query, item in judged.items() if item.agrees} == {
        "right",
        "unsure",
        "chat refused",
        "remembered",
    }


def test_without_a_threshold_only_the_memo_answers(student: _Scripted) -> None:
    figures = evaluate(student, EXAMPLES, threshold=None).figures
    assert figures["coverage"] == pytest.approx(1 / 6)
    assert figures["disagreement_inline"] == 0


def test_nothing_covered_and_no_no_call_have_no_shares(student: _Scripted) -> None:
    figures = evaluate(student, EXAMPLES[:1], threshold=1.0).figures
    assert figures["coverage"] == 0
    assert figures["disagreement_inline"] is None
    assert figures["no_call"] == {"answered_with_call": None, "refused_or_no_call": None}


def test_the_worst_function_stands_first(student: _Scripted) -> None:
    functions = evaluate(student, EXAMPLES, threshold=0.5).per_function
    assert [(one.function, one.examples) for one in functions] == [(None, 2), ("play_music", 4)]
    assert functions[1].disagreement_inline == pytest.approx(1 / 3)


def test_an_example_of_a_function_never_learned_counts_as_wrong(student: _Scripted) -> None:
    figures = evaluate(student, [_example("right", Call("unknown", {}))], threshold=0.5).figures
    assert figures["function_accuracy"] == 0
    assert figures["disagreement_inline"] == 1


def test_progress_is_told(student: _Scripted) -> None:
    reports: list[Progress] = []
    evaluate(student, EXAMPLES, threshold=0.5, progress=reports.append)
    assert reports[0].phase == "evaluation"


def test_nothing_to_evaluate_on_is_said(student: _Scripted) -> None:
    with pytest.raises(ValueError, match="no example"):
        evaluate(student, [], threshold=0.5)


def test_the_curve_falls_in_threshold_and_grows_in_coverage() -> None:
    random = np.random.default_rng(0)
    confidences = random.uniform(size=1000)
    ranking = rank(confidences, random.uniform(size=1000) < confidences, np.ones(1000))
    points = risk_curve(ranking)
    assert 100 < len(points) <= 200
    assert points[-1].coverage == pytest.approx(1.0)
    for before, after in pairwise(points):
        assert before.threshold > after.threshold
        assert before.coverage < after.coverage
    assert all(point.disagreement <= point.upper_bound for point in points)


def test_equal_confidences_are_accepted_together() -> None:
    ranking = rank(np.array([0.9, 0.9, 0.5]), np.array([True, False, True]), np.ones(3))
    assert ranking.coverage.tolist() == pytest.approx([2 / 3, 1])
    assert coverage_at(ranking, 0.02) == 0
    assert coverage_at(ranking, 0.5) == 1
