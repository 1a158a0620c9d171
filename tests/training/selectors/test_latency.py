from __future__ import annotations

import pytest
from django.utils import timezone

from curation.models import Application, TrafficHour
from curation.models.traffic import Route, Source
from curation.selectors.histogram import bucket_of, middle_of
from training.selectors.latency import SystemLatency, teacher_latencies

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


def test_what_fell_back_to_the_teacher_measures_it_where_hardly_anything_else_does(application: Application) -> None:
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    for route, bucket, requests in ((Route.TEACHER, FAST, 3), (Route.FALLBACK, SLOW, 60), (Route.STUDENT, 1, 900)):
        TrafficHour.objects.create(
            application=application,
            hour=hour,
            route=route,
            source=Source.GATEWAY,
            requests=requests,
            latency_counts={str(bucket): requests},
        )
    assert teacher_latencies(application) == {FAST: 3, SLOW: 60}
    TrafficHour.objects.filter(route=Route.TEACHER).update(latency_counts={str(FAST): 50})
    assert teacher_latencies(application) == {FAST: 50}
