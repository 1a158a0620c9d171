from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from curation.identifiers import derived_id, first_id, new_id, time_of
from curation.ml.calls import Call
from curation.models import Application, Query, RouterDecision, TeacherCall, TrafficHour
from curation.models.traffic import Route, Source
from curation.services.capture import capture
from curation.services.captured import Capture, Decision, TeacherAnswer

NOON = datetime(2026, 3, 1, 12, 5, tzinfo=UTC)


def captured(application: Application, text: str, at: datetime = NOON, **fields: object) -> Capture:
    return Capture(
        id=derived_id(at, text),
        application_id=application.pk,
        tool_set_id=None,
        text=text,
        arrived_at=at,
        source=Source.GATEWAY,
        **fields,  # type: ignore[arg-type]
    )


def test_writing_the_same_queries_again_adds_nothing(application: Application) -> None:
    rows = [captured(application, text, answer=TeacherAnswer(call=None, latency_ms=900)) for text in "abc"]
    assert capture(rows) == 3
    assert capture([*rows, captured(application, "d")]) == 1
    assert Query.objects.count() == 4
    assert TeacherCall.objects.count() == 3
    assert sum(TrafficHour.objects.values_list("requests", flat=True)) == 4


def test_a_query_twice_in_one_batch_counts_once(application: Application) -> None:
    row = captured(application, "a", answer=TeacherAnswer(call=None))
    assert capture([row, row]) == 1
    assert TrafficHour.objects.get().requests == 1


def test_rows_of_several_months_find_their_partitions(application: Application) -> None:
    times = [datetime(2025, 12, 31, 23, 59, tzinfo=UTC) + timedelta(days=40 * step) for step in range(6)]
    assert capture([captured(application, str(at), at=at) for at in times]) == 6
    assert [query.arrived_at for query in Query.objects.order_by("id")] == times


def test_a_refused_answer_is_compared_with_the_teachers(application: Application) -> None:
    def decision(song: str) -> Decision:
        return Decision(route=Route.FALLBACK, reason="unsure", total_ms=1500, call=Call("play", {"song": song}))

    answer = TeacherAnswer(call=Call("play", {"song": "Hello"}))
    capture(
        [
            captured(application, "same", answer=answer, decision=decision("hello")),
            captured(application, "other", answer=answer, decision=decision("goodbye")),
        ]
    )
    assert RouterDecision.objects.get(query__text="same").agrees is True
    assert RouterDecision.objects.get(query__text="other").agrees is False


def test_sums_are_kept_per_hour_and_route(application: Application) -> None:
    inline = Decision(route=Route.STUDENT, reason="confident", total_ms=4.0)
    capture([captured(application, "a", decision=inline), captured(application, "b", decision=inline)])
    capture([captured(application, "c", decision=inline), captured(application, "d", at=NOON + timedelta(hours=1))])
    rows = TrafficHour.objects.order_by("hour").values_list("route", "requests", "latency_sum_ms")
    assert list(rows) == [("student", 3, 12.0), ("teacher", 1, 0.0)]


@pytest.mark.parametrize("at", [NOON, datetime(1999, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)])
def test_identifiers_are_ordered_by_their_time(at: datetime) -> None:
    assert time_of(new_id(at)) == at
    assert first_id(at) <= new_id(at) < first_id(at + timedelta(milliseconds=1))
    assert new_id(at).version == 7
