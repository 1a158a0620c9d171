"""What must hold of the gate: honest chances, and a bound that is kept as often as it says."""

from __future__ import annotations

import numpy as np
import pytest

from training.students.base import TrainingError
from training.students.calibration import calibrate, calibration_error, fit_gate
from training.students.certification import certify, least_accepted, upper_bound
from training.students.gate import Gate

DRAWS = 200


def _answers(random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Confidences, and agreement whose chance rises with them from about 0.5 to 1."""
    confidences = random.uniform(0.01, 1, count)
    return confidences, random.uniform(size=count) < 1 - _risk(confidences)


def _risk(confidences: np.ndarray) -> np.ndarray:
    return 0.5 * (1 - confidences) ** 4


def test_the_certified_bound_holds_in_19_of_20_draws() -> None:
    random = np.random.default_rng(0)
    broken = found = 0
    for _ in range(DRAWS):
        certificate = certify(*_answers(random, 1500), epsilon=0.02)
        if certificate.threshold is not None:
            found += 1
            true = _risk(np.linspace(certificate.threshold, 1, 1000)).mean()
            broken += bool(true > 0.02)
    assert found > 0.9 * DRAWS
    assert broken / DRAWS <= 0.05 + 2 * (0.05 * 0.95 / DRAWS) ** 0.5


def test_the_bound_of_the_whole_calibration_holds_on_fresh_answers() -> None:
    """The gate is fitted and certified on the same examples, cross-fitted: the bound must survive that."""
    random = np.random.default_rng(1)
    weights = np.array([1.5, -1.0, 0.5, 0.0])
    broken = found = 0
    for draw in range(30):
        features, fresh = (random.normal(size=(count, 4)) for count in (800, 20_000))
        chance, fresh_chance = (1 / (1 + np.exp(-(rows @ weights + 3))) for rows in (features, fresh))
        calibration = calibrate(
            features,
            ("a", "b", "c", "d"),
            random.uniform(size=800) < chance,
            np.zeros(800, dtype=bool),
            epsilon=0.05,
            seed=draw,
        )
        threshold = calibration.certificate.threshold
        if threshold is not None:
            found += 1
            accepted = calibration.gate.probability(fresh) >= threshold
            broken += bool(1 - fresh_chance[accepted].mean() > 0.05)
    assert found > 20
    assert broken <= 5  # 30 draws at 5%: more than 5 in less than one of a hundred


def test_no_threshold_where_answers_are_too_few_says_how_many_more() -> None:
    certificate = certify(np.linspace(0.5, 1, 60), np.ones(60, dtype=bool), epsilon=0.02)
    assert certificate.threshold is None
    assert certificate.more_needed == least_accepted(0.02) - 60


def test_no_number_of_examples_helps_a_useless_ranking() -> None:
    random = np.random.default_rng(0)
    certificate = certify(random.uniform(0.1, 1, 2000), random.uniform(size=2000) < 0.7, epsilon=0.02)
    assert certificate.threshold is None
    assert certificate.more_needed is None


def test_refusals_are_never_accepted() -> None:
    confidences = np.append(np.zeros(1000), np.full(400, 0.9))
    certificate = certify(confidences, np.append(np.zeros(1000, dtype=bool), np.ones(400, dtype=bool)), epsilon=0.02)
    assert certificate.threshold == 0.9


def test_few_known_no_calls_keep_the_threshold_above_them_all() -> None:
    random = np.random.default_rng(0)
    features = np.concatenate([random.normal(3, 1, 3000), random.normal(1, 1, 20)])[:, None]
    no_call = np.append(np.zeros(3000, dtype=bool), np.ones(20, dtype=bool))
    unknown = np.zeros(3020, dtype=bool)
    free = calibrate(features, ("a",), ~no_call, unknown, epsilon=0.02, seed=0)
    guarded = calibrate(features, ("a",), ~no_call, no_call, epsilon=0.02, seed=0)
    assert free.certificate.threshold is not None
    assert guarded.certificate.threshold is not None
    assert guarded.certificate.threshold > free.certificate.threshold
    passed_free, passed = (
        (one.gate.probability(features[no_call]) >= (one.certificate.threshold or 0)).sum() for one in (free, guarded)
    )
    assert passed_free > 3
    assert passed <= 1, "the gate in force differs a little from those that judged"


def test_of_many_known_no_calls_as_few_pass_as_proves_the_bound() -> None:
    random = np.random.default_rng(0)
    features = np.concatenate([random.normal(4, 1, 3000), random.normal(1, 1, 1000)])[:, None]
    no_call = np.append(np.zeros(3000, dtype=bool), np.ones(1000, dtype=bool))
    calibration = calibrate(features, ("a",), ~no_call, no_call, epsilon=0.02, seed=0)
    assert calibration.certificate.threshold is not None
    passing = (calibration.gate.probability(features[no_call]) >= calibration.certificate.threshold).mean()
    assert 0 < passing < 0.02


def test_clopper_pearson_agrees_with_the_tables() -> None:
    assert upper_bound(0, 149) == pytest.approx(0.0199, abs=1e-4)
    assert upper_bound(5, 100) == pytest.approx(0.1023, abs=1e-4)
    assert upper_bound(3, 3) == 1.0
    assert least_accepted(0.02) == 149


def test_chances_are_calibrated() -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(5000, 2))
    chance = 1 / (1 + np.exp(-(features @ np.array([1.0, 2.0]) + 1)))
    gate = fit_gate(features, ("a", "b"), random.uniform(size=5000) < chance)
    fresh = random.normal(size=(5000, 2))
    fresh_chance = 1 / (1 + np.exp(-(fresh @ np.array([1.0, 2.0]) + 1)))
    assert calibration_error(gate.probability(fresh), random.uniform(size=5000) < fresh_chance) < 0.03


def test_a_gate_survives_its_json() -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(100, 2))
    gate = fit_gate(features, ("a", "b"), features[:, 0] > 0)
    again = Gate.from_json(gate.as_json())
    assert np.array_equal(gate.probability(features), again.probability(features))


def test_too_few_answers_to_calibrate_on_are_said() -> None:
    with pytest.raises(TrainingError, match="answers only 0 of 50"):
        calibrate(
            np.full((50, 1), np.nan),
            ("a",),
            np.zeros(50, dtype=bool),
            np.zeros(50, dtype=bool),
            epsilon=0.02,
            seed=0,
        )
