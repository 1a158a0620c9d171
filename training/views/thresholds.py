"""What a threshold would give, in words, for each point of a risk-coverage curve."""

from __future__ import annotations

from collections.abc import Mapping

from curation.templatetags.odia import ms, percent
from training.models import Evaluation
from training.selectors.latency import SystemLatency


def threshold_readings(evaluation: Evaluation, teacher: Mapping[int, int]) -> list[dict[str, str]]:
    """One reading per point of the curve, from the strictest threshold down; the page's script shows one of them.

    `teacher` counts the teacher's latencies in histogram buckets; without any, the latencies are left open.
    """
    student_ms = evaluation.figures["latency_ms"]["p50"]
    system = SystemLatency(teacher, student_ms) if any(teacher.values()) else None
    return [
        {
            "threshold": f"{point['threshold']:.3f}",
            "coverage": percent(point["coverage"]),
            "disagreement": percent(point["disagreement"], 2),
            "bound": percent(point["upper_bound"], 2),
            "all": percent(point["coverage"] * point["disagreement"], 2),
            **_latency(system, point["coverage"]),
        }
        for point in evaluation.curve
    ]


def _latency(system: SystemLatency | None, coverage: float) -> dict[str, str]:
    if system is None:
        return {"mean": "–", "p50": "–", "p90": "–"}
    latency = system.at(coverage)
    return {"mean": ms(latency.mean), "p50": ms(latency.p50), "p90": ms(latency.p90)}
