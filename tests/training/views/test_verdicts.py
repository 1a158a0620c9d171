"""The queue of disagreements: one after another, judged with a button each."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from curation.models import Application, Query
from curation.services.applications import application_ensure
from tests.training.disagreeing import add_example, empty_evaluation, make_repeats, play
from training.models import Evaluation, EvaluationExample, Judgement

HTMX = {"HX-Request": "true"}


@pytest.fixture
def evaluation(application: Application) -> Evaluation:
    return empty_evaluation(application)


@pytest.fixture
def queue(evaluation: Evaluation, application: Application) -> list[EvaluationExample]:
    """Three disagreements that were answered inline, the surest first, and one that was held back."""
    repeats = make_repeats(application)
    return [
        add_example(evaluation, play("can by can"), play("can"), query=repeats[0], confidence=0.99),
        add_example(evaluation, play("blur"), None, query=repeats[2], confidence=0.98),
        add_example(evaluation, play("can"), play("gone"), confidence=0.97),
        add_example(evaluation, play("can"), play("held"), confidence=0.3, served_by=""),
    ]


def shown(client: Client, evaluation: Evaluation, **query: str | int) -> EvaluationExample | None:
    answer = client.get(reverse("verdicts", args=[evaluation.pk]), query)
    assert answer.status_code == 200
    return answer.context["example"]


def give(client: Client, example: EvaluationExample, verdict: str, filtered: str = "", **form: str) -> str:
    address = reverse("verdict_give", args=[example.evaluation_id, example.pk])
    answer = client.post(address + filtered, {"verdict": verdict, **form}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_queue_goes_from_one_to_the_next_inside_the_filter(
    client_of: dict[str, Client], evaluation: Evaluation, queue: list[EvaluationExample]
) -> None:
    client = client_of["reviewer"]
    assert shown(client, evaluation) == queue[0]
    assert "can by can" in give(client, queue[0], "teacher")
    assert shown(client, evaluation) == queue[1]
    give(client, queue[2], "both")
    assert shown(client, evaluation) == queue[1]
    page = give(client, queue[1], "teacher")
    assert "Nothing left to judge here" in page and "3 of 3 answered inline judged" in page
    assert shown(client, evaluation, served="teacher") == queue[3]
    assert shown(client, evaluation, judged="yes", at=queue[2].pk) == queue[2]


def test_a_verdict_for_the_student_corrects_and_its_taking_back_restores(
    client_of: dict[str, Client], evaluation: Evaluation, queue: list[EvaluationExample]
) -> None:
    client = client_of["reviewer"]
    page = give(client, queue[0], "student")
    assert Query.objects.get(pk=queue[0].query_id).arguments == {"artist": "can"}
    judgement = Judgement.objects.get()
    undo = reverse("verdict_undo", args=[evaluation.pk, judgement.pk])
    assert undo in page and "Take back" in page
    back = client.post(undo, follow=True)
    assert back.context["example"] == queue[0] and "Taken back" in back.content.decode()
    assert Query.objects.get(pk=queue[0].query_id).arguments == {"artist": "can by can"}


def test_neither_takes_a_correction_and_says_what_is_wrong_with_it(
    client_of: dict[str, Client], queue: list[EvaluationExample]
) -> None:
    client = client_of["reviewer"]
    wrong = give(client, queue[0], "neither", correct="play")
    assert not Judgement.objects.exists() and 'class="error"' in wrong
    give(client, queue[0], "neither", correct="play", argument_artist="Neu!")
    assert Query.objects.get(pk=queue[0].query_id).arguments == {"artist": "Neu!"}
    give(client, queue[1], "neither", exclude="yes")
    assert Query.objects.get(pk=queue[1].query_id).excluded


def test_without_javascript_another_function_shows_its_fields(
    client_of: dict[str, Client], queue: list[EvaluationExample]
) -> None:
    page = give(client_of["reviewer"], queue[0], "neither", correct="volume", show="parameters")
    assert "argument_level" in page and not Judgement.objects.exists()
    assert f'href="{reverse("verdicts", args=[queue[0].evaluation_id])}?at={queue[1].pk}"' in page


def test_a_deleted_query_is_said_to_be_gone_and_can_be_judged(
    client_of: dict[str, Client], evaluation: Evaluation, queue: list[EvaluationExample]
) -> None:
    page = client_of["reviewer"].get(reverse("verdicts", args=[evaluation.pk]), {"at": queue[2].pk})
    assert "deleted since" in page.content.decode()
    give(client_of["reviewer"], queue[2], "neither")
    assert Judgement.objects.get().example == queue[2]


def test_two_reviewers_do_not_overwrite_each_other(
    client_of: dict[str, Client], queue: list[EvaluationExample]
) -> None:
    give(client_of["reviewer"], queue[0], "teacher")
    page = give(client_of["approver"], queue[0], "student")
    assert "reviewer has judged this meanwhile" in page
    assert Judgement.objects.count() == 1


def test_viewers_look_and_do_not_judge(
    client_of: dict[str, Client], evaluation: Evaluation, queue: list[EvaluationExample]
) -> None:
    page = client_of["viewer"].get(reverse("verdicts", args=[evaluation.pk]))
    assert page.context["example"] == queue[0] and 'name="verdict"' not in page.content.decode()
    address = reverse("verdict_give", args=[evaluation.pk, queue[0].pk])
    assert client_of["viewer"].post(address, {"verdict": "student"}).status_code == 403
    assert not Judgement.objects.exists()


@pytest.mark.parametrize("given", ["", "nobody", "student\0"])
def test_a_verdict_that_is_none_changes_nothing(
    given: str, client_of: dict[str, Client], queue: list[EvaluationExample]
) -> None:
    give(client_of["reviewer"], queue[0], given)
    assert not Judgement.objects.exists()


def test_htmx_gets_the_case_alone(
    client_of: dict[str, Client], evaluation: Evaluation, queue: list[EvaluationExample]
) -> None:
    answer = client_of["viewer"].get(reverse("verdicts", args=[evaluation.pk]), headers=HTMX)
    assert "<html" not in answer.content.decode() and 'id="case"' in answer.content.decode()


def test_disagreements_of_another_application_are_not_found(
    client_of: dict[str, Client], evaluation: Evaluation, queue: list[EvaluationExample]
) -> None:
    client = client_of["administrator"]
    session = client.session
    session["application"] = application_ensure(slug="another").pk
    session.save()
    give_address = reverse("verdict_give", args=[evaluation.pk, queue[0].pk])
    assert client.get(reverse("verdicts", args=[evaluation.pk])).status_code == 404
    assert client.post(give_address, {"verdict": "student"}).status_code == 404


def test_the_page_takes_a_bounded_number_of_queries(
    client_of: dict[str, Client], evaluation: Evaluation, queue: list[EvaluationExample], django_assert_max_num_queries
) -> None:
    with django_assert_max_num_queries(20):
        client_of["reviewer"].get(reverse("verdicts", args=[evaluation.pk]))
