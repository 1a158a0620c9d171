"""What a threshold would give, in words, for each point of a risk-coverage curve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from curation.templatetags.odia import ms, percent
from training.models import Evaluation
from training.selectors.evaluations import curve_with_threshold
from training.selectors.figures import latency_histogram, latency_marks, risk_coverage
from training.selectors.latency import Latency, SystemLatency

UNKNOWN = {"mean": "–", "p50": "–", "p90": "–"}


@dataclass(frozen=True, slots=True)
class Dial:
    """The movable threshold: a reading and two figures at `place`, and all readings for the script."""

    readings: list[dict[str, Any]]
    place: int
    certified: int | None
    risk: dict[str, Any]
    latency: dict[str, Any] | None

    @property
    def reading(self) -> dict[str, Any]:
        return self.readings[self.place]

    @property
    def last_place(self) -> int:
        return len(self.readings) - 1


def threshold_dial(
    evaluation: Evaluation,
    teacher: Mapping[int, int],
    *,
    allowed: float,
    champion: Evaluation | None = None,
    place: int | None = None,
) -> Dial | None:
    """The dial at a place of the curve, or at the threshold in force; None where the student refused everything.

    `teacher` counts the teacher's latencies in histogram buckets; without any, the latencies are left open. `allowed`
    is the share of disagreement that the policy allows.
    """
    curve, certified = curve_with_threshold(evaluation)
    if not curve:
        return None
    at = min(place if place is not None else certified or 0, len(curve) - 1)
    student_ms = evaluation.figures["latency_ms"]["p50"]
    system = SystemLatency(teacher, student_ms) if any(teacher.values()) else None
    coverage = curve[at]["coverage"]
    return Dial(
        readings=[_reading(point, system, allowed) for point in curve],
        place=at,
        certified=certified,
        risk=risk_coverage(curve, at, allowed, certified, champion),
        latency=latency_histogram(teacher, student_ms, coverage, system.at(coverage)) if system else None,
    )


def system_latencies(evaluation: Evaluation, teacher: Mapping[int, int]) -> dict[str, Latency]:
    """Latency `without` ODIA and `with` it at the threshold in force; empty where the teacher's is not known."""
    if not any(teacher.values()):
        return {}
    with_odia = SystemLatency(teacher, evaluation.figures["latency_ms"]["p50"])
    return {
        "without": SystemLatency(teacher, 0.0).at(0.0),
        "with": with_odia.at(evaluation.figures["coverage"]),
    }


def _reading(point: dict[str, float], system: SystemLatency | None, allowed: float) -> dict[str, Any]:
    within = point["upper_bound"] <= allowed
    return {
        "threshold": f"{point['threshold']:.3f}",
        "coverage": percent(point["coverage"]),
        "disagreement": percent(point["disagreement"], 2),
        "bound": percent(point["upper_bound"], 2),
        "all": percent(point["coverage"] * point["disagreement"], 2),
        "allowed": f"{'Within' if within else 'Its bound is above'} the {percent(allowed)} that the policy allows.",
        **_latency(system, point["coverage"]),
    }


def _latency(system: SystemLatency | None, coverage: float) -> dict[str, Any]:
    if system is None:
        return UNKNOWN
    latency = system.at(coverage)
    return {
        "mean": ms(latency.mean),
        "p50": ms(latency.p50),
        "p90": ms(latency.p90),
        "covered": coverage,
        "marks": latency_marks(latency),
    }
