"""Fitting the gate on calibration examples, without judging it on those it was fitted on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

from training.students.base import TrainingError
from training.students.certification import Certificate, certify, upper_bound
from training.students.gate import Gate, expand

FOLDS = 5
REPEATS = 5
REGULARISATION = 0.02


@dataclass(frozen=True, slots=True)
class Calibration:
    """The gate, its certificate, and how far its chances are from the shares seen, on average."""

    gate: Gate
    certificate: Certificate
    expected_calibration_error: float


def calibrate(
    features: np.ndarray,
    names: tuple[str, ...],
    agrees: np.ndarray,
    no_call: np.ndarray,
    *,
    epsilon: float,
    seed: int,
) -> Calibration:
    """Fits the gate and certifies its threshold, cross-fitted.

    `features` [n, features] with NaN rows where the student refused; `agrees` [n]; `no_call` [n] says whose
    reference is no call. Each example is judged by a gate fitted on the other folds. Of the examples with no
    call, so few may pass the threshold that their share, too, is proven to be at most epsilon (where there are enough
    of them; else none passes): later traffic may hold more of them than the calibration examples do.
    """
    answered = ~np.isnan(features).any(axis=1)
    if answered.sum() < 2 * FOLDS:
        raise TrainingError(
            f"The student answers only {int(answered.sum())} of {len(agrees)} calibration examples: "
            "too few to calibrate its gate. Add calibration examples, or train longer."
        )
    confidences = np.zeros(len(agrees))
    confidences[answered] = _cross_fitted(features[answered], names, agrees[answered], seed)
    certificate = _guarded(certify(confidences, agrees, epsilon), confidences[no_call], epsilon)
    gate = fit_gate(features[answered], names, agrees[answered])
    return Calibration(gate, certificate, calibration_error(confidences[answered], agrees[answered]))


def _guarded(certificate: Certificate, no_call: np.ndarray, allowed: float) -> Certificate:
    """The bound holds at every threshold of the sequence above the one picked, so raising it is safe."""
    if certificate.threshold is None or not len(no_call):
        return certificate
    passing = _most_passing(len(no_call), allowed)
    guard = float(np.sort(no_call)[::-1][passing]) if passing < len(no_call) else 0.0
    if guard < certificate.threshold:
        return certificate
    return Certificate(float(np.nextafter(guard, 1.0)), certificate.bound, None)


def _most_passing(total: int, allowed: float) -> int:
    """How many may pass for the upper bound on their share to stay within what is allowed; 0 where few are known."""
    passing = 0
    while passing < total and upper_bound(passing + 1, total) <= allowed:
        passing += 1
    return passing


def fit_gate(features: np.ndarray, names: tuple[str, ...], agrees: np.ndarray) -> Gate:
    """`features` [n, features] of answered queries, `agrees` [n]."""
    lowest, highest = np.quantile(features, [0.001, 0.999], axis=0)
    clipped = np.clip(features, lowest, highest)
    mean, scale = clipped.mean(0), _spread(clipped)
    expanded = expand((clipped - mean) / scale)
    centre, spread = expanded.mean(0), _spread(expanded)
    # One made-up answer of each kind keeps the fit defined where all agree or none does.
    rows = np.vstack([(expanded - centre) / spread, np.zeros((2, expanded.shape[1]))])
    targets = np.append(agrees, [True, False])
    model = LogisticRegression(C=REGULARISATION, solver="newton-cholesky").fit(rows, targets)
    weights = model.coef_[0] / spread
    return Gate(names, lowest, highest, mean, scale, weights, float(model.intercept_[0] - centre @ weights))


def _spread(values: np.ndarray) -> np.ndarray:
    """Standard deviations by column; 1 where a column does not vary."""
    deviation = values.std(0)
    return np.where(deviation > 1e-9, deviation, 1.0)


def _cross_fitted(features: np.ndarray, names: tuple[str, ...], agrees: np.ndarray, seed: int) -> np.ndarray:
    """Each answer's chance by gates that were not fitted on it, averaged over several ways to fold."""
    random = np.random.default_rng(seed)
    return np.mean([_folded(features, names, agrees, random) for _ in range(REPEATS)], axis=0)


def _folded(
    features: np.ndarray, names: tuple[str, ...], agrees: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    fold = random.permutation(len(agrees)) % FOLDS
    confidences = np.zeros(len(agrees))
    for number in range(FOLDS):
        inside = fold == number
        gate = fit_gate(features[~inside], names, agrees[~inside])
        confidences[inside] = gate.probability(features[inside])
    return confidences


def calibration_error(confidences: np.ndarray, agrees: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error over bins of equal numbers (Nixon et al., 2019)."""
    order = np.argsort(confidences, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    gaps = [abs(confidences[part].mean() - agrees[part].mean()) * len(part) for part in parts]
    return float(sum(gaps) / len(confidences))
