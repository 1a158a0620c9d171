"""The overview: its figures from the hourly sums, and what it says needs a person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from curation.models import Application, Job, Teacher, TrafficHour
from curation.models.jobs import JobKind, JobState, Trigger
from curation.models.traffic import Route, Source
from curation.selectors.histogram import bucket_of
from tests.curation.traffic import make_cluster, make_clustering
from training.models import Dataset, Evaluation
from training.selectors import overview as selectors


def make_hour(application: Application, route: Route, source: Source, requests: int, ms: float, **values: Any) -> None:
    TrafficHour.objects.create(
        application=application,
        hour=timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=2),
        route=route,
        source=source,
        requests=requests,
        latency_sum_ms=requests * ms,
        latency_counts={str(bucket_of(ms)): requests},
        **values,
    )


@pytest.fixture
def hours(application: Application) -> None:
    make_hour(application, Route.STUDENT, Source.GATEWAY, 60, 5.0, audited=40, disagreed=1)
    make_hour(application, Route.MEMO, Source.GATEWAY, 10, 0.1)
    make_hour(application, Route.TEACHER, Source.GATEWAY, 20, 1500.0)
    make_hour(application, Route.FALLBACK, Source.GATEWAY, 10, 1600.0)
    make_hour(application, Route.TEACHER, Source.IMPORT, 100, 1500.0, prompt_tokens=60000, completion_tokens=6000)


def test_the_figures_are_sums_of_the_hours(application: Application, hours: None) -> None:
    totals = selectors.totals_of(selectors.hours_of(application, 7), application)
    assert totals.coverage == pytest.approx(0.7)
    assert totals.disagreement == pytest.approx(1 / 40)
    assert totals.bound is not None
    assert 0.1 < totals.bound < 0.13
    assert totals.with_odia.mean == pytest.approx((60 * 5 + 10 * 0.1 + 20 * 1500 + 10 * 1600) / 100)
    assert totals.with_odia.p50 == pytest.approx(5.0, rel=0.03)
    assert totals.without.p50 == pytest.approx(1500, rel=0.03)


def test_saved_money_is_the_saved_calls_at_the_teachers_prices(application: Application, hours: None) -> None:
    Teacher.objects.create(
        application=application, base_url="http://127.0.0.1/v1", model="m", input_price=2, output_price=10
    )
    totals = selectors.totals_of(selectors.hours_of(application, 7), application)
    assert totals.money == pytest.approx(70 * (500 * 2 + 50 * 10) / 1_000_000)


def test_hours_outside_the_span_do_not_count(application: Application, hours: None) -> None:
    TrafficHour.objects.update(hour=timezone.now() - timedelta(days=3))
    assert selectors.hours_of(application, 1) == []
    assert len(selectors.hours_of(application, 7)) == 5


def test_without_traffic_nothing_is_claimed(client_of: dict[str, Client], application: Application) -> None:
    text = client_of["viewer"].get("/").content.decode()
    assert "No traffic in this time" in text
    assert "No champion yet" in text


def test_imported_traffic_alone_shows_no_coverage(client_of: dict[str, Client], application: Application) -> None:
    make_hour(application, Route.TEACHER, Source.IMPORT, 100, 1500.0)
    answer = client_of["viewer"].get("/")
    assert answer.context["totals"].coverage is None
    assert "nothing came through the gateway yet" in answer.content.decode()


def test_few_audits_are_called_few(client_of: dict[str, Client], application: Application) -> None:
    make_hour(application, Route.STUDENT, Source.GATEWAY, 60, 5.0, audited=3)
    assert "only 3 checked so far" in client_of["viewer"].get("/").content.decode()


def test_what_needs_a_person_is_listed_with_its_page(
    client_of: dict[str, Client], application: Application, draft: Dataset, evaluation: Evaluation
) -> None:
    cluster = make_cluster(make_clustering(application), "play {artist}")
    Job.objects.create(
        application=application,
        kind=JobKind.CLUSTER,
        state=JobState.FAILED,
        trigger=Trigger.PAGE,
        message="The traffic has no answers.",
    )
    answer = client_of["viewer"].get("/")
    text = answer.content.decode()
    assert f"/clusters/{cluster.pk}/" in text
    assert f"/datasets/{draft.pk}/" in text
    assert "The traffic has no answers." in text


def test_the_page_takes_few_queries_however_long_the_history(
    client_of: dict[str, Client], application: Application, hours: None, django_assert_max_num_queries: Any
) -> None:
    client_of["viewer"].get("/")
    with django_assert_max_num_queries(18):
        client_of["viewer"].get("/", {"days": "30"})


@pytest.mark.parametrize("days", ["", "5", "x", "²", "-1", "9" * 40])
def test_a_span_that_is_not_offered_is_left_aside(
    days: str, client_of: dict[str, Client], application: Application
) -> None:
    assert client_of["viewer"].get("/", {"days": days}).context["span"] == 14
