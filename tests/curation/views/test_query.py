"""The page of one query: what it shows, and what people decide on it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from curation.ml.calls import Call
from curation.models import Application, Pattern, Query, Review
from curation.models.reviews import Decision
from curation.selectors.query import query_state
from curation.services.labels import unusable_record
from curation.services.query_reviews import queries_change
from tests.curation.traffic import make_cluster, make_clustering, make_query, student_decision

CAN = Call("play", {"artist": "Can"})
BLUR = Call("play", {"artist": "Blur"})


@pytest.fixture
def queries(application: Application) -> list[Query]:
    return [
        make_query(application, "play Can", CAN, minute=0),
        make_query(application, "hello", None, minute=1),
        make_query(application, "volume up", answered=False, minute=2, decision=student_decision(Call("volume", {}))),
        make_query(application, "Play Blur", CAN, minute=3, decision=student_decision(BLUR)),
    ]


def at(name: str, query: Query) -> str:
    return reverse(name, args=[query.pk])


def test_a_query_shows_its_values_calls_and_routing(
    client_of: dict[str, Client], queries: list[Query], django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(18):
        answer = client_of["reviewer"].get(at("query", queries[3]), {"q": "play"})
    assert answer.context["place"] == (None, queries[0].pk, (0, False))
    assert answer.context["total"] == (2, False)
    assert [step.words for step in answer.context["steps"]] == [
        "Looked up among exact repeats",
        "The student answered, the gate judged",
    ]
    assert "differs from the teacher" in answer.content.decode()
    marked = client_of["reviewer"].get(at("query", queries[0]))
    assert marked.context["segments"] == [("play ", ""), ("Can", "artist")]


def test_the_page_of_a_query_keeps_the_list_beside_it(client_of: dict[str, Client], queries: list[Query]) -> None:
    answer = client_of["viewer"].get(at("query", queries[0]), {"q": "play"})
    assert [query.text for query in answer.context["page"].rows] == ["Play Blur", "play Can"]
    assert 'class="selected"' in answer.content.decode()
    panel = client_of["viewer"].get(at("query", queries[0]), {"q": "play"}, headers={"HX-Request": "true"})
    assert panel.content.decode().lstrip().startswith("<article")


def test_the_list_beside_a_query_is_the_page_on_which_it_stands(
    client_of: dict[str, Client], queries: list[Query]
) -> None:
    address = {"before": str(queries[1].pk)}
    shown = client_of["viewer"].get(at("query", queries[0]), address).context["page"].rows
    assert [query.text for query in shown] == ["play Can"]
    elsewhere = client_of["viewer"].get(at("query", queries[2]), address).context["page"].rows
    assert elsewhere[0].text == "volume up"


def test_a_query_of_another_application_is_not_found(client_of: dict[str, Client], queries: list[Query]) -> None:
    other = Application.objects.create(slug="other", name="Other")
    foreign = make_query(other, "play Can", CAN)
    assert client_of["approver"].get(at("query", foreign)).status_code == 404
    assert client_of["approver"].post(at("query_exclude", foreign)).status_code == 404


def test_a_query_is_excluded_taken_back_in_and_undone(client_of: dict[str, Client], queries: list[Query]) -> None:
    query, client = queries[0], client_of["reviewer"]
    client.post(at("query_exclude", query))
    query.refresh_from_db()
    assert query.excluded
    client.post(at("query_include", query))
    client.post(reverse("review_undo", args=[Review.objects.latest("pk").pk]))
    query.refresh_from_db()
    assert query.excluded


def test_only_the_newest_decision_that_holds_can_be_undone(client_of: dict[str, Client], queries: list[Query]) -> None:
    query, client = queries[0], client_of["reviewer"]
    client.post(at("query_exclude", query))
    client.post(at("query_include", query))
    first = Review.objects.earliest("pk")
    shown = client.get(at("query", query)).content.decode()
    assert reverse("review_undo", args=[first.pk]) not in shown
    assert "a later decision rests on it" in shown
    told = client.post(reverse("review_undo", args=[first.pk]), follow=True).content.decode()
    assert "Undo the later one first" in told


def test_a_decision_made_with_others_can_be_undone_here_or_whole(
    client_of: dict[str, Client], queries: list[Query]
) -> None:
    batch, _ = queries_change(queries=Query.objects.all(), decision=Decision.EXCLUDE, user=None)
    client = client_of["reviewer"]
    assert reverse("batch_undo", args=[batch]) in client.get(at("query", queries[0])).content.decode()
    client.post(reverse("review_undo", args=[Review.objects.get(batch=batch, query_id=queries[0].pk).pk]))
    assert Query.objects.filter(excluded=True).count() == 3
    told = client.post(reverse("batch_undo", args=[batch]), follow=True).content.decode()
    assert "Taken back: 3 decisions. 1 had been taken back before" in told
    assert not Query.objects.filter(excluded=True).exists()


def test_a_call_is_corrected_with_the_fields_of_its_function(
    client_of: dict[str, Client], queries: list[Query]
) -> None:
    given = {
        "correct": "play",
        "argument_artist": "Blur",
        "argument_mood": '"calm"',
        "argument_loud": "false",
        "argument_tags": '["a", "b"]',
    }
    assert client_of["reviewer"].post(at("query_correct", queries[1]), given).status_code == 302
    query = Query.objects.get(pk=queries[1].pk)
    assert query.call == Call("play", {"artist": "Blur", "mood": "calm", "loud": False, "tags": ["a", "b"]})
    assert query.corrected


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"correct": "play"}, "This field is required."),
        ({"correct": "volume", "argument_level": "11"}, "less than or equal to 10"),
        ({"correct": "volume", "argument_level": "loud"}, "Write a whole number."),
        ({"correct": "play", "argument_artist": "x", "argument_mood": '"sad"'}, "not one of the values"),
        ({"correct": "play", "argument_artist": "x", "argument_tags": "[1"}, "This is no JSON"),
        ({"correct": "play", "argument_artist": "x", "argument_tags": "[1]"}, "1 is not of type"),
        ({"correct": "dance"}, "has no function “dance”"),
    ],
)
def test_a_correction_that_does_not_fit_is_said_in_place(
    given: dict[str, str], sentence: str, client_of: dict[str, Client], queries: list[Query]
) -> None:
    answer = client_of["reviewer"].post(at("query_correct", queries[0]), given, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert sentence in answer.content.decode()
    assert not Query.objects.get(pk=queries[0].pk).corrected


def test_a_correction_of_what_somebody_changed_meanwhile_is_told_and_not_lost(
    client_of: dict[str, Client], queries: list[Query]
) -> None:
    shown = query_state(queries[0])
    client_of["approver"].post(at("query_exclude", queries[0]))
    given = {"state": shown, "correct": "play", "argument_artist": "Blur"}
    answer = client_of["reviewer"].post(at("query_correct", queries[0]), given)
    page = answer.content.decode()
    assert "approver has decided on this query since it was shown to you: excluded an example" in page
    assert 'value="Blur"' in page
    assert "Take back in" in page
    assert not Query.objects.get(pk=queries[0].pk).corrected
    again = given | {"state": answer.context["state"]}
    assert client_of["reviewer"].post(at("query_correct", queries[0]), again).status_code == 302
    query = Query.objects.get(pk=queries[0].pk)
    assert (query.call, query.excluded) == (BLUR, True)


def test_an_exclusion_of_what_the_teacher_answered_meanwhile_is_told(
    client_of: dict[str, Client], queries: list[Query]
) -> None:
    shown = query_state(queries[2])
    Query.objects.filter(pk=queries[2].pk).update(labelled=True, function="volume", arguments={"level": 3})
    page = client_of["reviewer"].post(at("query_exclude", queries[2]), {"state": shown}).content.decode()
    assert "The teacher has answered this query since it was shown to you" in page
    assert not Review.objects.exists()


def test_the_correction_form_asks_for_the_parameters_of_the_chosen_function(
    client_of: dict[str, Client], queries: list[Query]
) -> None:
    answer = client_of["reviewer"].get(at("query", queries[0]), {"correct": "volume"})
    assert [field.name for field in answer.context["correction"]] == ["correct", "argument_level"]
    assert answer.context["correcting"]


def test_without_javascript_the_form_shows_the_parameters_first(
    client_of: dict[str, Client], queries: list[Query]
) -> None:
    given = {"correct": "volume", "show": "parameters"}
    answer = client_of["reviewer"].post(at("query_correct", queries[0]), given)
    assert [field.name for field in answer.context["correction"]] == ["correct", "argument_level"]
    assert not answer.context["correction"].errors


def test_more_like_this_lists_the_nearest_patterns_and_their_queries(
    client_of: dict[str, Client], application: Application, queries: list[Query]
) -> None:
    clustering = make_clustering(application)
    for query, template, direction in zip(queries, ("own", "near", "far"), ((1, 0), (0.9, 0.1), (0, 1)), strict=False):
        make_cluster(clustering, template, [query])
        Pattern.objects.filter(template=template).update(embedding=[*direction, *[0.0] * 382])
    viewer = client_of["viewer"]
    nearest = viewer.get(at("query", queries[0]), {"similar": "1"}).context["nearest"]
    assert [pattern.template for pattern in nearest] == ["near", "far"]
    assert nearest[0].similarity > 0.9 > nearest[1].similarity
    listed = viewer.get(reverse("traffic"), {"like": str(queries[0].pk), "q": "hello"}).context["page"].rows
    assert [query.text for query in listed] == ["hello"]


@pytest.mark.parametrize(("number", "why"), [(0, "the next clustering gives it one"), (2, "has not been asked")])
def test_a_query_without_a_pattern_says_why(
    number: int, why: str, client_of: dict[str, Client], queries: list[Query]
) -> None:
    assert why in client_of["viewer"].get(at("query", queries[number])).content.decode()
    nothing = client_of["viewer"].get(reverse("traffic"), {"like": str(queries[number].pk)})
    assert "the next clustering gives it one" in nothing.content.decode()


def test_a_query_without_a_usable_answer_says_what_the_teacher_answered(
    client_of: dict[str, Client], queries: list[Query]
) -> None:
    reason = "The teacher answered with status 400: content policy"
    unusable_record(query=queries[2], reason=reason)
    shown = client_of["viewer"].get(at("query", queries[2])).content.decode()
    assert reason in shown and f'href="{reverse("labelling")}?scope=refused"' in shown
    assert "has not been asked" not in shown
