"""What an application would gain, from the parts of an estimate: clusters, coverage and the teacher's latencies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import NormalDist
from typing import Any

from curation.ml.mining import MinedCluster
from curation.sample.latency import MEDIAN_SECONDS, P90_SECONDS
from curation.selectors.histogram import bucket_of
from training.models import RoutingPolicy
from training.selectors.latency import SystemLatency

ASSUMED_MS = 1000.0
"""A large model's median where nobody says it: what is saved is a share, and hardly depends on it."""
TYPICAL_SPREAD = P90_SECONDS / MEDIAN_SECONDS
POINTS = 1000


def simple_share(clusters: Iterable[MinedCluster], policy: RoutingPolicy, queries: int) -> float:
    """The share of the traffic in the clusters that the policy would approve without a person."""
    return sum(cluster.evidence.volume.queries for cluster in clusters if _approves(policy, cluster)) / queries


def _approves(policy: RoutingPolicy, cluster: MinedCluster) -> bool:
    return (
        cluster.function is not None
        and cluster.simplicity >= policy.approve_simplicity
        and cluster.evidence.purity.lower >= policy.approve_purity
        and cluster.evidence.volume.queries >= policy.approve_queries
    )


def teacher_histogram(logged_ms: Sequence[float], median_ms: float | None) -> tuple[str, dict[int, int]]:
    """The teacher's latencies as a histogram, and what they were taken from: the median given, the log, or neither."""
    if median_ms is not None:
        return f"log-normal around the {median_ms:g} ms given", _typical(median_ms)
    if any(logged_ms):
        return f"{len(logged_ms)} queries of the log", _histogram(logged_ms)
    return f"unknown; log-normal around {ASSUMED_MS:g} ms assumed", _typical(ASSUMED_MS)


def _typical(median_ms: float) -> dict[int, int]:
    """A large model's latencies: log-normal, with the spread of the sample's teacher."""
    normal = NormalDist()
    deviations = (normal.inv_cdf((point + 0.5) / POINTS) / normal.inv_cdf(0.9) for point in range(POINTS))
    return _histogram(median_ms * TYPICAL_SPREAD**deviation for deviation in deviations)


def _histogram(latencies: Iterable[float]) -> dict[int, int]:
    return dict(Counter(bucket_of(ms) for ms in latencies))


def reduction(teacher: dict[int, int], student_ms: float, coverage: float) -> dict[str, Any]:
    """Mean and median latency, without and with a student of this coverage, and the shares by which they fall.

    A query that the student does not answer costs its time and then the teacher's: a share may be below 0.
    """
    without, with_student = SystemLatency(teacher, 0.0).at(0.0), SystemLatency(teacher, student_ms).at(coverage)
    return {
        "predicted_reduction": {
            "mean": 1 - with_student.mean / without.mean,
            "p50": 1 - with_student.p50 / without.p50,
        },
        "latency_ms": {
            "without": {"mean": without.mean, "p50": without.p50, "p90": without.p90},
            "with": {"mean": with_student.mean, "p50": with_student.p50, "p90": with_student.p90},
        },
    }
