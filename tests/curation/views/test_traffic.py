"""The traffic page: filters, counts, pages."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from curation.ml.calls import Call
from curation.models import Application, Query
from curation.models.reviews import Decision
from curation.selectors import traffic as selectors
from curation.services.applications import tool_set_ensure
from curation.services.query_reviews import call_correct, queries_change, query_exclude
from tests.curation.traffic import TOOLS, make_cluster, make_clustering, make_query, student_decision

CAN = Call("play", {"artist": "Can"})
BLUR = Call("play", {"artist": "Blur"})
ALL = ["Play Blur", "volume up", "hello", "play Can"]


@pytest.fixture
def queries(application: Application) -> list[Query]:
    volume_up = student_decision(Call("volume", {}), route="memo", total_ms=900.0)
    return [
        make_query(application, "play Can", CAN, minute=0),
        make_query(application, "hello", None, minute=1),
        make_query(application, "volume up", answered=False, minute=2, decision=volume_up),
        make_query(application, "Play Blur", CAN, minute=3, decision=student_decision(BLUR)),
    ]


def texts(client: Client, **filters: Any) -> list[str]:
    return [query.text for query in client.get(reverse("traffic"), filters).context["page"].rows]


def page(client: Client, **filters: Any) -> str:
    return client.get(reverse("traffic"), filters).content.decode()


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ALL),
        ({"q": "play"}, ["Play Blur", "play Can"]),
        ({"q": "play bl"}, ["Play Blur"]),
        ({"q": "?!"}, []),
        ({"q": "'; drop :* & | !"}, []),
        ({"function": "play"}, ["Play Blur", "play Can"]),
        ({"function": "-"}, ["hello"]),
        ({"function": "of an older tool set"}, []),
        ({"offered": "volume"}, ALL),
        ({"offered": "of no tool set"}, []),
        ({"route": "student"}, ["Play Blur"]),
        ({"route": "inline"}, ["Play Blur", "volume up"]),
        ({"student": "music-encoder-1"}, ["Play Blur", "volume up"]),
        ({"student": "music-encoder-2"}, []),
        ({"reason": "the confidence reaches"}, ["Play Blur", "volume up"]),
        ({"reason": "seen"}, []),
        ({"source": "import"}, ["hello", "play Can"]),
        ({"labelled": "no"}, ["volume up"]),
        ({"agrees": "no"}, ["Play Blur"]),
        ({"confidence_from": "0.9", "confidence_to": "0.98"}, ["Play Blur", "volume up"]),
        ({"confidence_from": "0.98"}, []),
        ({"latency_from": "800", "latency_to": "1000"}, ["volume up"]),
        ({"latency_from": "1400"}, ["hello", "play Can"]),
        ({"since": "2026-03-02"}, []),
        ({"until": "2026-03-01", "since": "2026-03-01", "q": "hello"}, ["hello"]),
        ({"since": "2026-03-01T12:02"}, ["Play Blur", "volume up"]),
        ({"since": "2026-03-01 12:01", "until": "2026-03-01T12:03"}, ["volume up", "hello"]),
        ({"excluded": "no", "corrected": "no"}, ALL),
    ],
)
def test_filters_narrow_the_list(
    filters: dict[str, str], expected: list[str], client_of: dict[str, Client], queries: list[Query]
) -> None:
    assert texts(client_of["viewer"], **filters) == expected


@pytest.mark.parametrize(
    ("filters", "sentence"),
    [
        ({"route": "nonsense"}, "There is no “nonsense” to choose here"),
        ({"since": "yesterday"}, "This is no time: write it as 2026-03-12"),
        ({"until": "2026-02-30"}, "This is no time"),
        ({"since": "2026-03-02", "until": "2026-02-01"}, "This lies before the beginning"),
        ({"confidence_from": "high"}, "This is no number from 0 to 1."),
        ({"confidence_to": "2"}, "less than or equal to 1"),
        ({"latency_from": "1s"}, "This is no number of milliseconds."),
        ({"cluster": "9" * 30}, "The address names no cluster"),
        ({"like": "x"}, "The address names no like"),
    ],
)
def test_a_value_that_does_not_fit_its_field_is_said(
    filters: dict[str, str], sentence: str, client_of: dict[str, Client], queries: list[Query]
) -> None:
    answer = client_of["viewer"].get(reverse("traffic"), filters)
    assert sentence in answer.content.decode()
    assert len(answer.context["chips"]) == len(filters) - 1
    part = client_of["viewer"].get(reverse("traffic"), filters, headers={"HX-Request": "true"})
    assert sentence in part.content.decode()


def test_what_people_decided_narrows_the_list(
    client_of: dict[str, Client], application: Application, queries: list[Query]
) -> None:
    query_exclude(query=queries[0], user=None)
    call_correct(query=queries[1], call=CAN, user=None)
    some = Query.objects.filter(pk__in=[queries[2].pk, queries[3].pk])
    batch, _ = queries_change(queries=some, decision=Decision.EXCLUDE, user=None)
    viewer = client_of["viewer"]
    assert texts(viewer, corrected="yes") == ["hello"]
    assert texts(viewer, excluded="yes", source="import") == ["play Can"]
    assert texts(viewer, batch=batch) == ["Play Blur", "volume up"]


def test_a_cluster_a_pattern_and_a_user_narrow_the_list(
    client_of: dict[str, Client], application: Application, queries: list[Query]
) -> None:
    cluster = make_cluster(make_clustering(application), "play {artist}", queries[:1])
    Query.objects.filter(pk=queries[1].pk).update(client_id="ann")
    viewer = client_of["viewer"]
    assert texts(viewer, cluster=cluster.pk) == ["play Can"]
    assert texts(viewer, pattern=cluster.patterns.get().pk) == ["play Can"]
    assert texts(viewer, user="ann") == ["hello"]
    assert "play {artist}" in page(viewer, cluster=cluster.pk)


def test_a_function_of_an_older_tool_set_can_be_chosen(
    client_of: dict[str, Client], application: Application, queries: list[Query]
) -> None:
    tool_set_ensure(application=application, tools=TOOLS[1:])
    assert texts(client_of["viewer"], offered="play") == ALL
    assert '<option value="play">' in page(client_of["viewer"])


def test_a_condition_in_force_is_a_link_that_takes_it_away(client_of: dict[str, Client], queries: list[Query]) -> None:
    answer = client_of["viewer"].get(reverse("traffic"), {"q": "play", "route": "student", "since": ""})
    chips = answer.context["chips"]
    assert [(chip.label, chip.value, chip.without) for chip in chips] == [
        ("Search", "play", "route=student"),
        ("Route", "Student", "q=play"),
    ]


def test_rarely_used_conditions_are_folded_and_counted(client_of: dict[str, Client], queries: list[Query]) -> None:
    form = client_of["viewer"].get(reverse("traffic"), {"source": "import", "user": "a", "q": "x"}).context["form"]
    assert form.folded_in_force == 2


def test_the_list_says_how_many_pass_and_how_they_divide(client_of: dict[str, Client], queries: list[Query]) -> None:
    answer = client_of["viewer"].get(reverse("traffic"))
    assert answer.context["count"] == (4, False)
    divided = {
        facet["label"]: [(value.words, value.queries) for value, _ in facet["values"]]
        for facet in answer.context["facets"]
    }
    assert divided["Function called"] == [("play", 2), ("no call", 1)]
    assert divided["Route"] == [("Student", 1), ("Memo", 1)]
    address = dict(answer.context["facets"][0]["values"])
    assert list(address.values()) == ["?function=play", "?function=-"]


def test_an_application_without_traffic_says_how_to_get_some(client_of: dict[str, Client]) -> None:
    assert "No traffic yet" in page(client_of["viewer"])
    assert "No query passes this filter" in page(client_of["viewer"], q="x")


def test_pages_follow_one_another_without_gap_or_repeat(application: Application, queries: list[Query]) -> None:
    rows = selectors.queries_of(application, selectors.TrafficFilter())
    first = selectors.page_of(rows, size=3)
    second = selectors.page_of(rows, before=first.rows[-1].pk, size=3)
    assert [query.text for query in first.rows + second.rows] == ALL
    assert (first.has_newer, first.has_older) == (False, True)
    assert (second.has_newer, second.has_older) == (True, False)
    assert selectors.page_of(rows, after=second.rows[0].pk, size=3).rows == first.rows


def test_a_long_list_is_not_counted_to_its_end(
    application: Application, queries: list[Query], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = selectors.queries_of(application, selectors.TrafficFilter())
    assert selectors.capped_count(rows) == (4, False)
    monkeypatch.setattr(selectors, "COUNT_CAP", 3)
    assert selectors.capped_count(rows) == (3, True)


def test_a_condition_without_an_index_is_looked_for_step_by_step(
    client_of: dict[str, Client], queries: list[Query], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selectors, "SCAN_LIMIT", 2)
    answer = client_of["viewer"].get(reverse("traffic"), {"latency_from": "1000"})
    assert answer.context["page"].rows == []
    assert "Look further back" in answer.content.decode()
    further = client_of["viewer"].get(answer.context["further"])
    assert "hello" in further.content.decode() or "play Can" in further.content.decode()
    assert texts(client_of["viewer"], route="memo") == ["volume up"]


def test_looking_further_back_misses_no_query(
    client_of: dict[str, Client], queries: list[Query], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selectors, "SCAN_LIMIT", 1)
    address, found = f"{reverse('traffic')}?latency_from=0", []
    for _ in range(len(ALL)):
        answer = client_of["viewer"].get(address)
        found += [query.text for query in answer.context["page"].rows]
        address = answer.context["further"]
    assert found == ALL
    assert not address


def test_htmx_gets_the_part_below_the_filter(client_of: dict[str, Client], queries: list[Query]) -> None:
    part = client_of["viewer"].get(reverse("traffic"), {"q": "hello"}, headers={"HX-Request": "true"})
    assert "hello" in part.content.decode()
    assert "<html" not in part.content.decode()
    assert "HX-Request" in part["Vary"]


@pytest.mark.parametrize("filters", [{}, {"q": "play", "latency_from": "1"}, {"before": UUID(int=2**128 - 1)}])
def test_the_list_takes_few_queries(
    filters: dict[str, Any], client_of: dict[str, Client], queries: list[Query], django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(13):
        client_of["viewer"].get(reverse("traffic"), filters)


def test_a_viewer_sees_nothing_to_decide_with(client_of: dict[str, Client], queries: list[Query]) -> None:
    assert 'id="bulk"' not in page(client_of["viewer"])
    assert 'id="bulk"' in page(client_of["reviewer"])
