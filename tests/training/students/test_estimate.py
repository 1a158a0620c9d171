"""What must hold of an estimate of a student: it is asked what came later, and says what is not certain."""

from __future__ import annotations

from dataclasses import replace

import pytest

from curation.ml.calls import Call
from curation.ml.tools import parse_tools
from curation.ml.traffic import Observation
from tests.training.students.conftest import TOOLS, quiet
from tests.training.students.conftest import make_examples as easy_examples
from training.students.base import Example, Prediction
from training.students.encoder.config import EncoderConfig
from training.students.estimate import StudentEstimate, estimate_student, make_examples, resampled_coverage
from training.students.evaluation import Judged

BLUR, CAN = (Call("play_music", {"artist": name}) for name in ("Blur", "Can"))


def observed(count: int, seed: int) -> list[Observation]:
    examples = easy_examples(count, seed)
    return [Observation(one.id, one.query, one.call, several_calls=one.route == "complex") for one in examples]


def _judged(confidence: float, agrees: bool) -> Judged:
    example = Example("one", "play it", CAN, "simple")
    prediction = Prediction(CAN if confidence else None, confidence)
    return Judged(example, prediction, prediction.call, agrees, agrees, False, None, 1.0)


@pytest.fixture(scope="module")
def estimates(tiny_config: EncoderConfig, tmp_path_factory: pytest.TempPathFactory) -> dict[float, StudentEstimate]:
    """Of 700 queries of the easy language, by epsilon."""
    config = replace(tiny_config, calibration_wanted=400)
    return {
        epsilon: estimate_student(
            observed(700, seed=1),
            TOOLS,
            config=config,
            epsilon=epsilon,
            limit=1000,
            folder=tmp_path_factory.mktemp("estimate") / "student",
            progress=quiet,
        )
        for epsilon in (0.0001, 0.1)
    }


def test_the_newest_queries_are_asked_and_the_others_learned(estimates: dict[float, StudentEstimate]) -> None:
    found = estimates[0.1]
    assert found.later_queries == 70
    assert found.distinct_queries <= 630
    assert found.threshold is not None
    assert found.memo_share < found.coverage <= 1.0
    assert found.student_ms is not None
    assert found.student_ms > 0


def test_where_nothing_is_certified_the_memo_alone_counts(estimates: dict[float, StudentEstimate]) -> None:
    found = estimates[0.0001]
    assert found.threshold is None
    assert found.coverage == found.memo_share
    assert found.coverage_uncertified is not None
    assert found.coverage_uncertified > 0.1
    assert found.more_examples_needed is None or found.more_examples_needed > 1000
    assert found.coverage_resampled is None, "70 later queries cannot show what a certificate would give"
    assert found.predicted == found.coverage


def test_near_the_edge_of_a_certificate_half_of_what_it_would_give_is_expected() -> None:
    certain, near, far = (StudentEstimate(1, 1, 0.1, 0.1, coverage_resampled=more) for more in (None, 0.5, 0.1))
    assert (certain.predicted, near.predicted, far.predicted) == (0.1, pytest.approx(0.3), 0.1)


@pytest.mark.parametrize(("wrong", "low", "high"), [(0.0, 0.45, 0.8), (0.3, 0.0, 0.0)])
def test_certificates_are_tried_on_what_is_drawn_from_the_later_queries(wrong: float, low: float, high: float) -> None:
    judged = [_judged(confidence=number / 500, agrees=number * 7 % 10 >= 10 * wrong) for number in range(1, 401)]
    refused = [_judged(confidence=0.0, agrees=False) for _ in range(100)]
    found = resampled_coverage([*judged, *refused], 3000, 0.02)
    assert found is not None
    assert low <= found <= high
    assert resampled_coverage([*judged[:100], *refused], 3000, 0.02) is None


def test_texts_are_weighted_by_how_often_they_came_and_the_latest_stand_last() -> None:
    calls = [("play Blur", BLUR), ("play Can", CAN), ("PLAY  blur", BLUR), ("play Blur", CAN), ("hello", None)]
    seen = [Observation(str(at), text, call) for at, (text, call) in enumerate(calls)]
    examples = make_examples([*seen, Observation("5", "hello", None, several_calls=True)], parse_tools(TOOLS))
    assert [(one.query.casefold(), one.route, one.weight) for one in examples] == [
        ("play can", "simple", 1),
        ("play  blur", "simple", 2),
        ("play blur", "simple", 1),
        ("hello", "no_call", 1),
        ("hello", "complex", 1),
    ]
