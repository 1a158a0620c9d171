from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from curation.errors import OdiaError
from curation.ml.calls import Call
from curation.models import Application, Query, Review
from curation.models.reviews import Decision
from curation.selectors.query import query_state
from curation.services import query_reviews
from curation.services.query_reviews import StaleDecision, call_correct, queries_change, query_exclude, query_include
from tests.curation.traffic import make_query

CAN = Call("play", {"artist": "Can"})
BLUR = Call("play", {"artist": "Blur"})


@pytest.fixture
def query(application: Application) -> Query:
    return make_query(application, "play Can", CAN)


@pytest.fixture
def queries(application: Application) -> list[Query]:
    return [make_query(application, f"play Can {number}", CAN, minute=number) for number in range(4)]


def excluded() -> set[str]:
    return set(Query.objects.filter(excluded=True).values_list("text", flat=True))


def test_a_correction_becomes_the_reference_call(query: Query, users: dict[str, User]) -> None:
    review = call_correct(query=query, call=BLUR, user=users["reviewer"])
    query.refresh_from_db()
    assert (query.call, query.corrected, review.reviewer) == (BLUR, True, users["reviewer"])


def test_a_correction_to_no_call_is_a_label_too(application: Application) -> None:
    query = make_query(application, "hello", answered=False)
    call_correct(query=query, call=None, user=None)
    query.refresh_from_db()
    assert (query.call, query.labelled, query.corrected) == (None, True, True)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (Call("volume", {"level": "loud"}), "level: 'loud' is not of type 'integer'"),
        (Call("volume", {}), "'level' is a required property"),
        (Call("fly", {}), "no function 'fly'"),
    ],
)
def test_a_correction_that_does_not_fit_the_tools_is_refused(query: Query, call: Call, sentence: str) -> None:
    with pytest.raises(OdiaError, match=sentence):
        call_correct(query=query, call=call, user=None)
    assert not Review.objects.exists()


def test_an_example_is_excluded_and_taken_back_in(query: Query) -> None:
    query_exclude(query=query, user=None)
    assert excluded() == {"play Can"}
    query_include(query=query, user=None)
    assert excluded() == set()


def test_what_changes_nothing_is_said_and_leaves_no_review(query: Query) -> None:
    with pytest.raises(OdiaError, match="not excluded"):
        query_include(query=query, user=None)
    call_correct(query=query, call=BLUR, user=None)
    with pytest.raises(OdiaError, match="corrected to exactly this already"):
        call_correct(query=query, call=BLUR, user=None)
    assert Review.objects.count() == 1


def test_a_decision_on_a_query_that_changed_meanwhile_is_told(query: Query) -> None:
    shown = query_state(query)
    query_exclude(query=query, user=None, expected=shown)
    with pytest.raises(StaleDecision, match="was changed since this page was shown"):
        call_correct(query=query, call=BLUR, user=None, expected=shown)
    query.refresh_from_db()
    assert query.call == CAN


def test_one_action_changes_all_that_it_would_change_and_no_other(queries: list[Query], users: dict[str, User]) -> None:
    query_exclude(query=queries[0], user=None)
    wanted = Query.objects.filter(pk__in=[query.pk for query in queries[:3]])
    batch, changed = queries_change(queries=wanted, decision=Decision.EXCLUDE, user=users["reviewer"])
    assert changed == 2
    assert excluded() == {"play Can 0", "play Can 1", "play Can 2"}
    made = Review.objects.filter(batch=batch)
    assert {review.query_id for review in made} == {queries[1].pk, queries[2].pk}
    assert all(review.after["excluded"] and not review.before["excluded"] for review in made)


def test_one_action_corrects_many_queries(queries: list[Query]) -> None:
    wanted = Query.objects.filter(text__endswith="1") | Query.objects.filter(text__endswith="2")
    _, changed = queries_change(queries=wanted, decision=Decision.CORRECT, user=None, call=BLUR)
    assert changed == 2
    assert [Query.objects.get(pk=query.pk).call for query in queries] == [CAN, BLUR, BLUR, CAN]


def test_an_action_is_refused_whole_where_the_call_does_not_fit_one_tool_set(queries: list[Query]) -> None:
    with pytest.raises(OdiaError, match="This is so for 4 of the queries"):
        queries_change(
            queries=Query.objects.all(), decision=Decision.CORRECT, user=None, call=Call("volume", {"level": 11})
        )
    assert not Review.objects.exists()


def test_an_action_has_a_limit(queries: list[Query], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query_reviews, "MOST_AT_ONCE", 3)
    with pytest.raises(OdiaError, match="More than 3 queries pass"):
        queries_change(queries=Query.objects.all(), decision=Decision.EXCLUDE, user=None)
    assert excluded() == set()


def test_the_number_of_statements_does_not_grow_with_the_queries(
    queries: list[Query], django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(6):
        queries_change(queries=Query.objects.all(), decision=Decision.CORRECT, user=None, call=BLUR)
