from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from curation.errors import OdiaError
from curation.identifiers import new_id
from curation.ml.calls import Call
from curation.models import Application, Query, Review, RouterDecision, TeacherCall, TrafficHour
from curation.models.traffic import Source
from curation.services import retention
from curation.services.applications import application_ensure
from curation.services.capture import capture
from curation.services.captured import Capture, TeacherAnswer
from curation.services.query_reviews import query_exclude
from curation.services.retention import queries_purge
from tests.curation.traffic import student_decision, tool_set

CALL = Call("play", {"artist": "Can"})
NOW = datetime.now(UTC)


def arrive(application: Application, days_ago: float, text: str = "play Can") -> Query:
    at = NOW - timedelta(days=days_ago)
    row = Capture(
        id=new_id(at),
        application_id=application.pk,
        tool_set_id=tool_set(application).pk,
        text=text,
        arrived_at=at,
        source=Source.GATEWAY,
        answer=TeacherAnswer(call=CALL, latency_ms=1400.0),
        decision=student_decision(CALL),
    )
    capture([row])
    return Query.objects.get(pk=row.id)


def silent(phase: str, fraction: float, message: str = "") -> None:
    assert 0 <= fraction <= 1


@pytest.fixture
def kept_for_a_month(application: Application) -> Application:
    application.keep_days = 30
    application.save()
    return application


def test_old_queries_go_with_all_that_hangs_on_them_and_the_sums_stay(
    kept_for_a_month: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for days in (31, 40, 75, 100, 400):
        arrive(kept_for_a_month, days)
    young = [arrive(kept_for_a_month, 29.9).pk, arrive(kept_for_a_month, 0).pk]
    sums = list(TrafficHour.objects.order_by("hour").values_list("hour", "requests"))
    gone = queries_purge(application=kept_for_a_month, report=silent)
    assert gone == {"queries": 5, "teacher_calls": 5, "decisions": 5, "shadow_answers": 0}
    assert sorted(Query.objects.values_list("pk", flat=True)) == sorted(young)
    assert set(TeacherCall.objects.values_list("query", flat=True)) == set(young)
    assert set(RouterDecision.objects.values_list("pk", flat=True)) == set(young)
    assert list(TrafficHour.objects.order_by("hour").values_list("hour", "requests")) == sums


def test_another_applications_queries_stay(kept_for_a_month: Application) -> None:
    other = application_ensure(slug="weather")
    arrive(other, 400)
    assert queries_purge(application=kept_for_a_month, report=silent)["queries"] == 0
    assert Query.objects.filter(application=other).count() == 1


def test_decisions_about_what_is_gone_stay_in_the_audit_trail(kept_for_a_month: Application) -> None:
    query = arrive(kept_for_a_month, 50)
    query_exclude(query=query, user=None)
    queries_purge(application=kept_for_a_month, report=silent)
    assert Review.objects.get().query_id == query.pk


def test_without_a_number_of_days_nothing_is_deleted(application: Application) -> None:
    arrive(application, 4000)
    with pytest.raises(OdiaError, match="Nothing is deleted"):
        queries_purge(application=application, report=silent)
    assert Query.objects.count() == 1


def test_a_purge_that_is_stopped_goes_on_where_it_was(
    kept_for_a_month: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for days in range(40, 46):
        arrive(kept_for_a_month, days)

    def stop_at_the_second(phase: str, fraction: float, message: str = "") -> None:
        if fraction > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        queries_purge(application=kept_for_a_month, report=stop_at_the_second)
    assert Query.objects.count() == 4
    assert queries_purge(application=kept_for_a_month, report=silent)["queries"] == 4
