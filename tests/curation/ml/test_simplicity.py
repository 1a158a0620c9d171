"""What must hold of simplicity: an estimate of what a student will get right, from what weaker models get right."""

from __future__ import annotations

import numpy as np
import pytest

from curation.ml.calls import Call
from curation.ml.probe import Agreements, ProbeResult
from curation.ml.simplicity import Estimate, estimate_agreement, of_student, simplicity_of
from curation.ml.traffic import Traffic
from tests.curation.ml.conftest import Observe

PLAY, STOP = Call("play"), Call("stop")


def estimate_of(traffic: Traffic, right: bool) -> Estimate:
    """The estimate where the probe gets every text right, or none."""
    texts = len(traffic.texts)
    verdicts = np.full(texts, right)
    probe = ProbeResult(verdicts, np.full(texts, 0.9 if right else 0.1), verdicts, [()] * texts)
    each = np.full(len(traffic.observations), right)
    return estimate_agreement(traffic, probe, Agreements(each, each))


def simplicity_in(estimate: Estimate, queries: int) -> float:
    """That of a cluster of the first queries."""
    return simplicity_of(int(estimate.outcome[:queries].sum()), float(estimate.chance[:queries].sum()), queries)


def test_a_student_is_expected_to_do_better_than_its_stand_in_and_never_worse_where_that_does_better() -> None:
    course = [of_student(agreement) for agreement in np.linspace(0, 1, 101)]
    assert (course[0], course[-1]) == (0.0, 1.0)
    assert course == sorted(course)
    assert all(
        expected > agreement for expected, agreement in zip(course[1:-1], np.linspace(0, 1, 101)[1:-1], strict=True)
    )


def test_what_the_stand_in_always_gets_right_is_simple_and_what_it_never_does_is_not(observe: Observe) -> None:
    traffic = Traffic(observe(*((f"play number {at}", PLAY) for at in range(60))))
    assert simplicity_in(estimate_of(traffic, right=True), 60) > 0.95
    assert simplicity_in(estimate_of(traffic, right=False), 60) < 0.1


def test_a_text_that_came_before_is_remembered_whatever_the_probe_makes_of_it(observe: Observe) -> None:
    traffic = Traffic(observe(("play it", PLAY), ("Play  it", PLAY), ("stop it", STOP)))
    assert estimate_of(traffic, right=False).outcome.tolist() == [True, True, False]


def test_the_odd_answer_to_a_text_disagrees_with_what_is_remembered(observe: Observe) -> None:
    traffic = Traffic(observe(("play it", PLAY), ("play it", PLAY), ("play it", STOP)))
    assert estimate_of(traffic, right=True).outcome.tolist() == [True, True, False]


def test_few_queries_are_drawn_towards_what_their_features_promise(observe: Observe) -> None:
    traffic = Traffic(observe(*((f"play number {at}", PLAY) for at in range(40))))
    estimate = Estimate(np.ones(40, dtype=bool), np.full(40, 0.5), None)
    few, many = (simplicity_in(estimate, count) for count in (2, 40))
    assert few == pytest.approx(of_student((2 + 5) / 12))
    assert few < many
    assert len(traffic.texts) == 40
