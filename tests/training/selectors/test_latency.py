from __future__ import annotations

import pytest

from curation.selectors.histogram import bucket_of, middle_of
from training.selectors.latency import SystemLatency

FAST, SLOW = bucket_of(1000.0), bucket_of(2000.0)


@pytest.fixture
def system() -> SystemLatency:
    return SystemLatency({FAST: 80, SLOW: 20}, student_ms=4.0)


def test_without_coverage_every_query_costs_the_student_and_the_teacher(system: SystemLatency) -> None:
    latency = system.at(0.0)
    assert latency.mean == pytest.approx(4.0 + 0.8 * middle_of(FAST) + 0.2 * middle_of(SLOW))
    assert (latency.p50, latency.p90) == (4.0 + middle_of(FAST), 4.0 + middle_of(SLOW))


def test_with_full_coverage_only_the_student_is_waited_for(system: SystemLatency) -> None:
    latency = system.at(1.0)
    assert (latency.mean, latency.p50, latency.p90) == (4.0, 4.0, 4.0)


def test_the_median_is_the_students_once_half_is_covered(system: SystemLatency) -> None:
    assert system.at(0.49).p50 > 900
    assert system.at(0.5).p50 == 4.0


def test_more_coverage_never_makes_it_slower(system: SystemLatency) -> None:
    course = [system.at(coverage / 50) for coverage in range(51)]
    for measure in ("mean", "p50", "p90"):
        values = [getattr(latency, measure) for latency in course]
        assert values == sorted(values, reverse=True), measure
