"""Risk and coverage: how wrong the accepted answers are at each threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.students.certification import upper_bound

CURVE_POINTS = 200


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """At this threshold: share of the traffic answered, share of the answers that disagree, upper bound on that."""

    threshold: float
    coverage: float
    disagreement: float
    upper_bound: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """All answers from the most to the least confident: cumulated `coverage` and `disagreement`, one entry per answer.

    `bounds_total` is the number of independent answers that the weights amount to (Kish, 1965).
    """

    confidences: np.ndarray
    coverage: np.ndarray
    disagreement: np.ndarray
    bounds_total: np.ndarray


def rank(confidences: np.ndarray, agrees: np.ndarray, weights: np.ndarray) -> Ranking:
    """Arrays [queries]; a confidence of 0 is a refusal. Equal confidences are accepted together."""
    order = np.argsort(-confidences, kind="stable")
    order = order[confidences[order] > 0]
    ranked, heavy = confidences[order], weights[order]
    total = np.cumsum(heavy)
    wrong = np.cumsum(heavy * ~agrees[order])
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) if len(ranked) else np.array([], dtype=int)
    effective = total**2 / np.cumsum(heavy**2)
    return Ranking(ranked[last], total[last] / weights.sum(), (wrong / total)[last], effective[last])


def coverage_at(ranking: Ranking, disagreement: float) -> float:
    """The highest coverage with at most this share of the answers wrong."""
    within = ranking.disagreement <= disagreement
    return float(ranking.coverage[within].max()) if within.any() else 0.0


def risk_curve(ranking: Ranking) -> list[CurvePoint]:
    """At most 200 points of the curve, evenly spread over the answers."""
    count = len(ranking.confidences)
    if not count:
        return []
    chosen = np.unique(np.linspace(0, count - 1, min(count, CURVE_POINTS)).round().astype(int))
    return [_point(ranking, int(index)) for index in chosen]


def _point(ranking: Ranking, index: int) -> CurvePoint:
    share, total = float(ranking.disagreement[index]), float(ranking.bounds_total[index])
    return CurvePoint(
        threshold=float(ranking.confidences[index]),
        coverage=float(ranking.coverage[index]),
        disagreement=share,
        upper_bound=upper_bound(share * total, total),
    )
