from __future__ import annotations

import json

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.test import AsyncClient, Client
from django.urls import reverse

from training.models import Dataset, RoutingPolicy, Student
from training.models.datasets import DatasetStatus

HTMX = {"HX-Request": "true"}


def export(client: Client, dataset: Dataset, form: str, split: str = "") -> list[dict]:
    """The lines of an export, read as a server reads them: asynchronously."""

    async def read() -> bytes:
        browser = AsyncClient()
        browser.cookies = client.cookies
        response = await browser.get(reverse("dataset_export", args=[dataset.pk, form]), {"split": split})
        assert response.status_code == 200
        return b"".join([part async for part in response.streaming_content])  # type: ignore[attr-defined]

    return [json.loads(line) for line in async_to_sync(read)().decode().splitlines()]


def test_the_list_shows_the_funnel_of_each_version(client_of: dict[str, Client], dataset: Dataset) -> None:
    page = client_of["viewer"].get(reverse("datasets")).content.decode()
    assert "Dataset 1" in page
    assert all(f">{count}<" in page for count in (90, 60, 50, 40, 41))


def test_approving_a_dataset_names_the_approver(client_of: dict[str, Client], draft: Dataset) -> None:
    client_of["approver"].post(reverse("dataset_approve", args=[draft.pk]))
    draft.refresh_from_db()
    assert draft.status == DatasetStatus.APPROVED
    assert draft.approved_by is not None and draft.approved_by.username == "approver"
    again = client_of["approver"].post(reverse("dataset_approve", args=[draft.pk]), follow=True)
    assert "is approved already" in again.content.decode()


def test_examples_are_filtered_and_continued_without_a_gap(client_of: dict[str, Client], dataset: Dataset) -> None:
    address = reverse("dataset", args=[dataset.pk])
    first = client_of["viewer"].get(address, {"route": "simple"})
    seen = [row.text for row in first.context["page"].rows]
    rest = client_of["viewer"].get(address, {"route": "simple", "after": first.context["page"].after})
    seen += [row.text for row in rest.context["page"].rows]
    assert seen == [f"play artist {number}" for number in range(40)]
    assert rest.context["page"].after is None
    no_call = client_of["viewer"].get(address, {"route": "no_call"})
    assert [row.text for row in no_call.context["page"].rows] == ["hello"]


def test_htmx_gets_the_examples_alone(client_of: dict[str, Client], dataset: Dataset) -> None:
    answer = client_of["viewer"].get(reverse("dataset", args=[dataset.pk]), {"split": "test"}, headers=HTMX)
    text = answer.content.decode()
    assert "<html" not in text
    assert 'id="examples"' in text and "play artist 2" in text and "play artist 3<" not in text


@pytest.mark.parametrize("query", [{"after": "-1"}, {"after": "x"}, {"split": "none"}, {"text": "\x00"}])
def test_an_address_that_makes_no_sense_filters_nothing(
    query: dict[str, str], client_of: dict[str, Client], dataset: Dataset
) -> None:
    answer = client_of["viewer"].get(reverse("dataset", args=[dataset.pk]), query)
    assert answer.status_code == 200
    assert answer.context["page"].rows[0].text == "play artist 0"


def test_examples_are_searched(client_of: dict[str, Client], dataset: Dataset) -> None:
    address = reverse("dataset", args=[dataset.pk])
    found = client_of["viewer"].get(address, {"text": "ARTIST 39"}, headers=HTMX)
    assert [row.text for row in found.context["page"].rows] == ["play artist 39"]
    nothing = client_of["viewer"].get(address, {"text": "no such words"}, headers=HTMX)
    assert "No example fits" in nothing.content.decode()


def test_the_builder_is_told_before_trying_that_another_person_approves(
    client_of: dict[str, Client], users: dict[str, User], draft: Dataset
) -> None:
    draft.built_by = users["approver"]
    draft.save()
    RoutingPolicy.objects.update_or_create(application=draft.application, defaults={"second_approver": True})
    address, approve = (reverse(name, args=[draft.pk]) for name in ("dataset", "dataset_approve"))
    page = client_of["approver"].get(address).content.decode()
    assert "asks for another person to approve it" in page and approve not in page
    refused = client_of["approver"].post(approve, follow=True).content.decode()
    assert "You built dataset 1, and the policy asks for another person" in refused
    assert approve in client_of["administrator"].get(address).content.decode()


def test_an_approval_is_taken_back_with_a_button_while_no_run_rests_on_it(
    client_of: dict[str, Client], dataset: Dataset
) -> None:
    address, undo = (reverse(name, args=[dataset.pk]) for name in ("dataset", "dataset_approval_undo"))
    assert undo in client_of["approver"].get(address).content.decode()
    page = client_of["approver"].post(undo, follow=True).content.decode()
    assert "Dataset 1 is a draft again." in page and "Approval taken back" in page
    again = client_of["approver"].post(undo, follow=True).content.decode()
    assert "there is no approval to take back" in again


def test_an_approval_that_a_run_rests_on_has_no_such_button(client_of: dict[str, Client], student: Student) -> None:
    dataset = student.dataset
    undo = reverse("dataset_approval_undo", args=[dataset.pk])
    assert undo not in client_of["approver"].get(reverse("dataset", args=[dataset.pk])).content.decode()
    assert "its approval stands" in client_of["approver"].post(undo, follow=True).content.decode()


def test_a_draft_says_to_others_what_it_waits_for(client_of: dict[str, Client], draft: Dataset) -> None:
    assert (
        "It waits for an approver." in client_of["reviewer"].get(reverse("dataset", args=[draft.pk])).content.decode()
    )


def test_the_openai_export_holds_every_call_with_its_tools(client_of: dict[str, Client], dataset: Dataset) -> None:
    lines = export(client_of["viewer"], dataset, "openai")
    assert len(lines) == 40
    for line in lines:
        user, assistant = line["messages"]
        [call] = assistant["tool_calls"]
        assert user["content"].startswith("play ")
        assert json.loads(call["function"]["arguments"]) == {"artist": user["content"].removeprefix("play ")}
        assert [tool["function"]["name"] for tool in line["tools"]] == ["play_music", "set_alarm"]


def test_the_plain_export_holds_everything(client_of: dict[str, Client], dataset: Dataset) -> None:
    lines = export(client_of["viewer"], dataset, "plain")
    assert len(lines) == 41
    assert lines[-1]["query"] == "hello" and lines[-1]["call"] is None and lines[-1]["weight"] == 2
    train = export(client_of["viewer"], dataset, "plain", split="train")
    assert {line["split"] for line in train} == {"train"} and len(train) == 14


def test_an_export_is_a_file_with_a_name_of_its_own(client_of: dict[str, Client], draft: Dataset) -> None:
    answer = client_of["viewer"].head(reverse("dataset_export", args=[draft.pk, "plain"]), {"split": "test"})
    assert answer.status_code == 405
    assert len(export(client_of["viewer"], draft, "plain")) == 2, "a draft is exported too"


def test_there_is_no_other_export(client_of: dict[str, Client], dataset: Dataset) -> None:
    address = reverse("dataset_export", args=[dataset.pk, "csv"])
    assert client_of["viewer"].get(address).status_code == 404
    openai = reverse("dataset_export", args=[dataset.pk, "openai"])
    assert client_of["viewer"].get(openai, {"split": "none"}).status_code == 404
