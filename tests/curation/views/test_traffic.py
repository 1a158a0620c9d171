"""The traffic page and the page of a query."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from curation.ml.calls import Call
from curation.models import Application, Query, Review
from curation.selectors import traffic as selectors
from tests.curation.traffic import make_cluster, make_clustering, make_query, student_decision

CAN = Call("play", {"artist": "Can"})


@pytest.fixture
def queries(application: Application) -> list[Query]:
    return [
        make_query(application, "play Can", CAN, minute=0),
        make_query(application, "hello", None, minute=1),
        make_query(application, "volume up", answered=False, minute=2, decision=student_decision(Call("volume", {}))),
        make_query(
            application, "Play Blur", CAN, minute=3, decision=student_decision(Call("play", {"artist": "Blur"}))
        ),
    ]


def texts(client: Client, **filters: Any) -> list[str]:
    return [query.text for query in client.get(reverse("traffic"), filters).context["page"].rows]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["Play Blur", "volume up", "hello", "play Can"]),
        ({"q": "play"}, ["Play Blur", "play Can"]),
        ({"q": "play bl"}, ["Play Blur"]),
        ({"q": "?!"}, []),
        ({"q": "'; drop :* & | !"}, []),
        ({"function": "play"}, ["Play Blur", "play Can"]),
        ({"function": "-"}, ["hello"]),
        ({"route": "student"}, ["Play Blur", "volume up"]),
        ({"source": "import"}, ["hello", "play Can"]),
        ({"labelled": "no"}, ["volume up"]),
        ({"agrees": "no"}, ["Play Blur"]),
        ({"since": "2026-03-02"}, []),
        ({"until": "2026-03-01", "since": "2026-03-01", "q": "hello"}, ["hello"]),
        ({"route": "nonsense", "since": "x", "cluster": "9" * 30}, ["Play Blur", "volume up", "hello", "play Can"]),
    ],
)
def test_filters_narrow_the_list(
    filters: dict[str, str], expected: list[str], client_of: dict[str, Client], queries: list[Query]
) -> None:
    assert texts(client_of["viewer"], **filters) == expected


def test_a_cluster_narrows_the_list(
    client_of: dict[str, Client], application: Application, queries: list[Query]
) -> None:
    cluster = make_cluster(make_clustering(application), "play {artist}", queries[:1])
    assert texts(client_of["viewer"], cluster=cluster.pk) == ["play Can"]


def test_pages_follow_one_another_without_gap_or_repeat(application: Application, queries: list[Query]) -> None:
    rows = selectors.queries_of(application, selectors.TrafficFilter())
    first = selectors.page_of(rows, size=3)
    second = selectors.page_of(rows, before=first.rows[-1].pk, size=3)
    assert [query.text for query in first.rows + second.rows] == ["Play Blur", "volume up", "hello", "play Can"]
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


def test_htmx_gets_the_part_below_the_filter(client_of: dict[str, Client], queries: list[Query]) -> None:
    part = client_of["viewer"].get(reverse("traffic"), {"q": "hello"}, headers={"HX-Request": "true"})
    assert "hello" in part.content.decode()
    assert "<html" not in part.content.decode()
    assert "HX-Request" in part["Vary"]


def test_the_list_takes_few_queries(
    client_of: dict[str, Client], queries: list[Query], django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(10):
        client_of["viewer"].get(reverse("traffic"))


def test_a_query_shows_its_values_calls_and_routing(
    client_of: dict[str, Client], queries: list[Query], django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(14):
        answer = client_of["reviewer"].get(reverse("query", args=[queries[3].pk]), {"q": "play"})
    assert answer.context["older"] == queries[0].pk
    assert answer.context["newer"] is None
    assert [step.words for step in answer.context["steps"]] == [
        "Looked up among exact repeats",
        "The student answered, the gate judged",
    ]
    assert "differs from the teacher" in answer.content.decode()
    marked = client_of["reviewer"].get(reverse("query", args=[queries[0].pk]))
    assert marked.context["segments"] == [("play ", ""), ("Can", "artist")]


def test_a_query_is_excluded_taken_back_in_and_undone(client_of: dict[str, Client], queries: list[Query]) -> None:
    query = queries[0]
    client = client_of["reviewer"]
    client.post(reverse("query_exclude", args=[query.pk]))
    query.refresh_from_db()
    assert query.excluded
    client.post(reverse("query_include", args=[query.pk]))
    client.post(reverse("review_undo", args=[Review.objects.latest("pk").pk]))
    query.refresh_from_db()
    assert query.excluded


def test_a_call_is_corrected_with_the_fields_of_its_function(
    client_of: dict[str, Client], queries: list[Query]
) -> None:
    address = reverse("query_correct", args=[queries[1].pk])
    given = {
        "correct": "play",
        "argument_artist": "Blur",
        "argument_mood": '"calm"',
        "argument_loud": "false",
        "argument_tags": '["a", "b"]',
    }
    assert client_of["reviewer"].post(address, given).status_code == 302
    query = Query.objects.get(pk=queries[1].pk)
    assert query.call == Call("play", {"artist": "Blur", "mood": "calm", "loud": False, "tags": ["a", "b"]})
    assert query.corrected


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"correct": "play"}, "This field is required."),
        ({"correct": "volume", "argument_level": "11"}, "11 is greater than the maximum of 10"),
        ({"correct": "volume", "argument_level": "loud"}, "Enter a whole number."),
        ({"correct": "play", "argument_artist": "x", "argument_mood": '"sad"'}, "Select a valid choice."),
        ({"correct": "play", "argument_artist": "x", "argument_tags": "[1"}, "Enter a valid JSON."),
        ({"correct": "dance"}, "Select a valid choice."),
    ],
)
def test_a_correction_that_does_not_fit_is_said_in_place(
    given: dict[str, str], sentence: str, client_of: dict[str, Client], queries: list[Query]
) -> None:
    address = reverse("query_correct", args=[queries[0].pk])
    answer = client_of["reviewer"].post(address, given, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert sentence in answer.content.decode()
    assert not Query.objects.get(pk=queries[0].pk).corrected


def test_the_correction_form_asks_for_the_parameters_of_the_chosen_function(
    client_of: dict[str, Client], queries: list[Query]
) -> None:
    answer = client_of["reviewer"].get(reverse("query", args=[queries[0].pk]), {"correct": "volume"})
    assert [field.name for field in answer.context["correction"]] == ["correct", "argument_level"]
    assert answer.context["correcting"]


def test_without_javascript_the_form_shows_the_parameters_first(
    client_of: dict[str, Client], queries: list[Query]
) -> None:
    given = {"correct": "volume", "show": "parameters"}
    answer = client_of["reviewer"].post(reverse("query_correct", args=[queries[0].pk]), given)
    assert [field.name for field in answer.context["correction"]] == ["correct", "argument_level"]
    assert not answer.context["correction"].errors
