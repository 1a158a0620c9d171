"""One action on many queries of the traffic page."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from curation.ml.calls import Call
from curation.models import Application, Query, Review
from curation.services import query_reviews
from curation.services.applications import tool_set_ensure
from curation.services.query_reviews import call_correct, query_exclude
from tests.curation.traffic import TOOLS, make_query

CAN = Call("play", {"artist": "Can"})
BLUR = Call("play", {"artist": "Blur"})


@pytest.fixture
def queries(application: Application) -> list[Query]:
    return [make_query(application, f"play Can {number}", CAN, minute=number) for number in range(4)]


@pytest.fixture
def reviewer(client_of: dict[str, Client]) -> Client:
    return client_of["reviewer"]


def shown(client: Client, **filters: str) -> dict[str, Any]:
    """What the form below the list sends, for the list as it is now."""
    context = client.get(reverse("traffic"), filters).context
    return {**filters, "as_of": context["as_of"], "seen": context["seen"], "shown": context["count"].number}


def decide(client: Client, decision: str, scope: str, sent: dict[str, Any], *queries: Query) -> str:
    given = {**sent, "decision": decision, "scope": scope, "query": [query.pk for query in queries]}
    return client.post(reverse("traffic_decide"), given, follow=True).content.decode()


def excluded() -> list[str]:
    return sorted(Query.objects.filter(excluded=True).values_list("text", flat=True))


def test_exactly_the_selected_queries_are_excluded_and_one_undo_takes_it_back(
    reviewer: Client, queries: list[Query]
) -> None:
    said = decide(reviewer, "exclude", "checked", shown(reviewer), queries[0], queries[2])
    assert "Excluded 2 queries." in said
    assert excluded() == ["play Can 0", "play Can 2"]
    batch = Review.objects.latest("pk").batch
    assert reverse("batch_undo", args=[batch]) in said
    reviewer.post(reverse("batch_undo", args=[batch]))
    assert excluded() == []


def test_all_that_pass_the_filter_are_changed_but_not_what_arrived_since(
    reviewer: Client, application: Application, queries: list[Query]
) -> None:
    sent = shown(reviewer, q="play", since="2026-03-01T12:02")
    sent["as_of"] = queries[3].pk
    said = decide(reviewer, "exclude", "all", sent)
    assert excluded() == ["play Can 2"]
    assert "Excluded 1 query. The page showed 2, now 1 passed the filter." in said


def test_what_somebody_else_decided_since_is_left_alone_and_told(
    reviewer: Client, queries: list[Query], users: dict[str, User]
) -> None:
    sent = shown(reviewer)
    call_correct(query=queries[0], call=BLUR, user=users["approver"])
    query_exclude(query=queries[1], user=users["reviewer"])
    said = decide(reviewer, "exclude", "all", sent)
    assert "Excluded 2 queries. 1 was excluded already. 1 stayed: somebody has decided on it" in said
    assert excluded() == ["play Can 1", "play Can 2", "play Can 3"]


def test_nothing_selected_is_said(reviewer: Client, queries: list[Query]) -> None:
    assert "No query is selected" in decide(reviewer, "exclude", "checked", shown(reviewer))
    assert excluded() == []


def test_too_many_at_once_is_said(reviewer: Client, queries: list[Query], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query_reviews, "MOST_AT_ONCE", 3)
    assert "More than 3 queries pass" in decide(reviewer, "exclude", "all", shown(reviewer))
    assert excluded() == []


@pytest.mark.parametrize("spoilt", [{"as_of": "x"}, {"seen": ""}, {"query": ["x"], "scope": "checked"}, {"scope": "?"}])
def test_a_spoilt_form_changes_nothing(spoilt: dict[str, Any], reviewer: Client, queries: list[Query]) -> None:
    given = {**shown(reviewer), "decision": "exclude", "scope": "all", **spoilt}
    assert reviewer.post(reverse("traffic_decide"), given).status_code == 302
    assert excluded() == []


def test_queries_of_another_application_are_never_changed(reviewer: Client, queries: list[Query]) -> None:
    other = Application.objects.create(slug="other", name="Other")
    foreign = make_query(other, "foreign", CAN)
    decide(reviewer, "exclude", "checked", shown(reviewer), foreign, queries[0])
    assert excluded() == ["play Can 0"]


def test_there_is_no_other_decision(reviewer: Client, queries: list[Query]) -> None:
    assert reviewer.post(reverse("traffic_decide"), {"decision": "approve"}).status_code == 400


def correction_page(client: Client, scope: str, sent: dict[str, Any], *queries: Query) -> HttpResponse:
    given = {**sent, "decision": "correct", "scope": scope, "query": [query.pk for query in queries]}
    return client.post(reverse("traffic_decide"), given, follow=True)  # type: ignore[return-value]


def test_many_calls_are_corrected_to_one(reviewer: Client, queries: list[Query]) -> None:
    page: Any = correction_page(reviewer, "checked", shown(reviewer), queries[0], queries[1])
    assert (page.context["number"], page.context["correction"].initial) == (2, {"correct": "play"})
    assert "csrfmiddlewaretoken" not in page.context["address"]
    chosen: Any = reviewer.post(page.context["address"], {"correct": "play", "show": "parameters"})
    assert "argument_artist" in chosen.context["correction"].fields
    done = reviewer.post(page.context["address"], {"correct": "play", "argument_artist": "Blur"}, follow=True)
    assert "Corrected 2 queries." in done.content.decode()
    assert [Query.objects.get(pk=query.pk).call for query in queries] == [BLUR, BLUR, CAN, CAN]


def test_the_function_of_the_filter_is_offered_first(reviewer: Client, queries: list[Query]) -> None:
    page: Any = correction_page(reviewer, "all", shown(reviewer, function="play"))
    assert page.context["number"] == 4
    wrong: Any = reviewer.post(page.context["address"], {"correct": "play"})
    assert "This field is required." in wrong.content.decode()
    assert not Query.objects.filter(corrected=True).exists()


def test_several_tool_sets_need_a_function_in_the_filter(
    reviewer: Client, application: Application, queries: list[Query]
) -> None:
    newer = tool_set_ensure(application=application, tools=TOOLS[:1])
    Query.objects.filter(pk=queries[0].pk).update(tool_set=newer)
    refused: Any = correction_page(reviewer, "all", shown(reviewer))
    assert "These queries came with 2 tool sets" in refused.content.decode()
    offered: Any = correction_page(reviewer, "all", shown(reviewer, function="play"))
    reviewer.post(offered.context["address"], {"correct": "play", "argument_artist": "Blur"})
    assert Query.objects.filter(corrected=True).count() == 4


def test_queries_without_tools_cannot_be_corrected(reviewer: Client, queries: list[Query]) -> None:
    Query.objects.filter(pk=queries[0].pk).update(tool_set=None)
    refused: Any = correction_page(reviewer, "all", shown(reviewer))
    assert "came without a tool set" in refused.content.decode()


@pytest.mark.parametrize("name", ["viewer", "outsider"])
def test_only_reviewers_decide(name: str, client_of: dict[str, Client], queries: list[Query]) -> None:
    assert client_of[name].post(reverse("traffic_decide"), {"decision": "exclude"}).status_code == 403
    assert client_of[name].get(reverse("traffic_correct")).status_code == 403
    batch = "019ca945-0a00-7985-8558-ef5ee8143f7f"
    assert client_of[name].post(reverse("batch_undo", args=[batch])).status_code == 403
