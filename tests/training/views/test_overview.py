"""The overview: its figures from the hourly sums, and what it says needs a person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from curation.models import Application, Job, Teacher, TrafficHour
from curation.models.jobs import JobKind, JobState, Trigger
from curation.models.traffic import Route, Source
from curation.selectors.histogram import bucket_of
from tests.curation.traffic import make_cluster, make_clustering
from training.models import Alias, AuditTally, Dataset, Evaluation, RoutingPolicy
from training.selectors import overview as selectors
from training.selectors.overview_figures import coverage_figure, disagreement_figure
from training.services.policies import policy_of


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
    make_hour(application, Route.STUDENT, Source.GATEWAY, 60, 5.0, picked=40, picked_disagreed=1)
    make_hour(application, Route.MEMO, Source.GATEWAY, 10, 0.1)
    make_hour(application, Route.TEACHER, Source.GATEWAY, 20, 1500.0)
    make_hour(application, Route.FALLBACK, Source.GATEWAY, 10, 1600.0)
    make_hour(application, Route.TEACHER, Source.IMPORT, 100, 1500.0, prompt_tokens=60000, completion_tokens=6000)


def test_the_figures_are_sums_of_the_hours(application: Application, hours: None) -> None:
    totals = selectors.totals_of(selectors.span_of(application, 7).sums, None)
    assert totals.coverage == pytest.approx(0.7)
    assert totals.audits.share == pytest.approx(1 / 40)
    assert totals.audits.bound is not None
    assert 0.1 < totals.audits.bound < 0.13
    assert totals.with_odia.mean == pytest.approx((60 * 5 + 10 * 0.1 + 20 * 1500 + 10 * 1600) / 100)
    assert totals.with_odia.p50 == pytest.approx(5.0, rel=0.03)
    assert totals.without.p50 == pytest.approx(1500, rel=0.03)


def test_saved_money_is_the_saved_calls_at_the_teachers_prices(application: Application, hours: None) -> None:
    teacher = Teacher.objects.create(
        application=application, base_url="http://127.0.0.1/v1", model="m", input_price=2, output_price=10
    )
    totals = selectors.totals_of(selectors.span_of(application, 7).sums, teacher)
    assert totals.money == pytest.approx(70 * (500 * 2 + 50 * 10) / 1_000_000)


def test_hours_outside_the_span_do_not_count(application: Application, hours: None) -> None:
    TrafficHour.objects.update(hour=timezone.now() - timedelta(days=3))
    assert selectors.span_of(application, 1).sums == []
    assert len(selectors.span_of(application, 7).sums) == 5
    assert len(selectors.span_of(application, 2).before) == 5


def test_without_traffic_nothing_is_claimed(client_of: dict[str, Client], application: Application) -> None:
    text = client_of["viewer"].get("/").content.decode()
    assert "There is no champion yet" in text and "Bring in traffic" in text and "Decide on clusters" in text
    assert "0.0%" not in text


def test_imported_traffic_alone_shows_no_coverage(client_of: dict[str, Client], application: Application) -> None:
    make_hour(application, Route.TEACHER, Source.IMPORT, 100, 1500.0)
    answer = client_of["viewer"].get("/")
    assert answer.context["totals"].coverage is None
    assert "nothing came through the gateway yet" in answer.content.decode()


def test_few_audits_are_called_few(client_of: dict[str, Client], application: Application) -> None:
    make_hour(application, Route.STUDENT, Source.GATEWAY, 60, 5.0, picked=3)
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
    with django_assert_max_num_queries(22):
        client_of["viewer"].get("/", {"days": "30"})


@pytest.mark.parametrize("days", ["", "5", "x", "²", "-1", "9" * 40])
def test_a_span_that_is_not_offered_is_left_aside(
    days: str, client_of: dict[str, Client], application: Application
) -> None:
    assert client_of["viewer"].get("/", {"days": days}).context["span"] == 14


def test_a_change_is_told_only_where_both_spans_have_enough(application: Application) -> None:
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    for days, route, requests in (
        (1, Route.STUDENT, 60),
        (1, Route.TEACHER, 40),
        (8, Route.STUDENT, 50),
        (8, Route.TEACHER, 50),
    ):
        TrafficHour.objects.create(
            application=application,
            hour=hour - timedelta(days=days),
            route=route,
            source=Source.GATEWAY,
            requests=requests,
            latency_counts={str(bucket_of(5.0)): requests},
            picked=40 if (days, route) == (1, Route.STUDENT) else 0,
        )
    span = selectors.span_of(application, 7)
    change = selectors.change(selectors.totals_of(span.sums, None), selectors.totals_of(span.before, None))
    assert change.coverage == pytest.approx(0.1)
    assert change.disagreement is None
    TrafficHour.objects.filter(hour__lt=hour - timedelta(days=7)).update(requests=5)
    span = selectors.span_of(application, 7)
    change = selectors.change(selectors.totals_of(span.sums, None), selectors.totals_of(span.before, None))
    assert change.coverage is None


def test_days_without_traffic_are_gaps(application: Application, hours: None) -> None:
    span = selectors.span_of(application, 7)
    periods = selectors.over_time(span, None)
    assert len(periods) == 8
    coverage = coverage_figure(periods)["data"][0]["y"]
    assert [share for share in coverage if share is not None] == [pytest.approx(0.7)]
    assert len(coverage) == 8
    assert len(selectors.over_time(selectors.span_of(application, 1), None)) == 25


def test_a_disagreement_of_few_audits_is_not_drawn(application: Application, hours: None) -> None:
    span = selectors.span_of(application, 7)
    drawn = disagreement_figure([(at, one.audits) for at, one in selectors.over_time(span, None)], 0.02)["data"]
    assert [value for trace in drawn for value in trace["y"] if value is not None] != []
    TrafficHour.objects.filter(route=Route.STUDENT).update(picked=29)
    span = selectors.span_of(application, 7)
    drawn = disagreement_figure([(at, one.audits) for at, one in selectors.over_time(span, None)], 0.02)["data"]
    assert [value for trace in drawn for value in trace["y"] if value is not None] == []


def test_a_disagreement_above_what_is_allowed_is_an_alarm(
    client_of: dict[str, Client], application: Application, hours: None
) -> None:
    alarm = "More inline answers differ than the policy allows"
    assert alarm in client_of["viewer"].get("/").content.decode()
    TrafficHour.objects.update(picked_disagreed=0)
    assert alarm not in client_of["viewer"].get("/").content.decode()


def test_verdicts_that_wait_are_work_to_do(
    client_of: dict[str, Client], application: Application, evaluation: Evaluation
) -> None:
    Alias.objects.create(application=application, name="champion", student=evaluation.student)
    text = client_of["viewer"].get("/").content.decode()
    assert (
        f"Judge 2 disagreements of {evaluation.student}" in text and f"/evaluations/{evaluation.pk}/verdicts/" in text
    )


def test_an_own_draft_waits_for_somebody_else_where_the_policy_asks_for_it(
    client_of: dict[str, Client], application: Application, draft: Dataset, users: dict[str, User]
) -> None:
    draft.built_by = users["approver"]
    draft.save()
    own = "somebody else has to approve it"
    assert own not in client_of["approver"].get("/").content.decode()
    policy_of(application)
    RoutingPolicy.objects.update(second_approver=True)
    assert own in client_of["approver"].get("/").content.decode()
    assert own not in client_of["administrator"].get("/").content.decode()


def test_a_trial_within_what_is_allowed_is_ready_to_widen(
    client_of: dict[str, Client], application: Application, evaluation: Evaluation
) -> None:
    challenger = evaluation.student
    Alias.objects.create(application=application, name="challenger", student=challenger)
    policy_of(application)
    RoutingPolicy.objects.update(canary_share=0.05)
    tally = AuditTally.objects.create(student=challenger, function="", audited=100, disagreed=0)
    assert "Widen the canary" not in client_of["viewer"].get("/").content.decode()
    tally.audited = 200
    tally.save()
    assert "Widen the canary to 25%" in client_of["viewer"].get("/").content.decode()
