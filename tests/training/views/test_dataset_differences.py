from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from curation.models import Application, Query
from curation.services.applications import application_ensure
from tests.training.learned import make_dataset
from training.models import Dataset

HTMX = {"HX-Request": "true"}


@pytest.fixture
def later(dataset: Dataset, application: Application) -> Dataset:
    later = make_dataset(application, ["play artist 0", "play artist 1", "play something new"])
    later.examples.filter(text="play artist 1").update(arguments={"artist": "One"})
    return later


def test_two_versions_are_compared(client_of: dict[str, Client], dataset: Dataset, later: Dataset) -> None:
    answer = client_of["viewer"].get(reverse("dataset_compare"), {"a": dataset.pk, "b": later.pk})
    counts = {kind: count for kind, _, count in answer.context["kinds"]}
    assert counts == {"added": 1, "removed": 39, "changed": 1, "rerouted": 0, "moved": 0}
    assert answer.context["unchanged"] == 1
    page = answer.content.decode()
    assert "play something new" in page, "the first kind of which there are any is shown"


def test_an_example_leads_to_its_query_as_long_as_that_is_there(
    client_of: dict[str, Client], dataset: Dataset, later: Dataset
) -> None:
    query = Query.objects.latest("pk")
    later.examples.filter(text="play something new").update(query_id=query.pk)
    address = reverse("query", args=[query.pk])
    compared = client_of["viewer"].get(reverse("dataset_compare"), {"a": dataset.pk, "b": later.pk})
    listed = client_of["viewer"].get(reverse("dataset", args=[later.pk]))
    assert address in compared.content.decode() and address in listed.content.decode()
    query.delete()
    compared = client_of["viewer"].get(reverse("dataset_compare"), {"a": dataset.pk, "b": later.pk})
    listed = client_of["viewer"].get(reverse("dataset", args=[later.pk]))
    assert address not in compared.content.decode() and address not in listed.content.decode()
    assert "deleted by the retention" in listed.content.decode()


def test_both_calls_of_a_changed_text_stand_side_by_side(
    client_of: dict[str, Client], dataset: Dataset, later: Dataset
) -> None:
    wanted: dict[str, Any] = {"a": dataset.pk, "b": later.pk, "kind": "changed"}
    page = client_of["viewer"].get(reverse("dataset_compare"), wanted, headers=HTMX).content.decode()
    assert "<html" not in page
    assert "artist 1&quot;" in page and "One&quot;" in page


def test_a_long_list_is_continued(client_of: dict[str, Client], dataset: Dataset, later: Dataset) -> None:
    wanted: dict[str, Any] = {"a": dataset.pk, "b": later.pk, "kind": "removed"}
    first = client_of["viewer"].get(reverse("dataset_compare"), wanted).context["page"]
    rest = client_of["viewer"].get(reverse("dataset_compare"), {**wanted, "after": first.after}).context["page"]
    texts = [pair.example.text for pair in [*first.rows, *rest.rows]]
    assert len(texts) == len(set(texts)) == 39 and rest.after is None


def test_the_ticks_of_the_list_lead_to_the_comparison(
    client_of: dict[str, Client], dataset: Dataset, later: Dataset
) -> None:
    answer = client_of["viewer"].get(reverse("dataset_compare"), {"version": [later.pk, dataset.pk]})
    assert answer["location"] == f"{reverse('dataset_compare')}?a={dataset.pk}&b={later.pk}"


@pytest.mark.parametrize("wanted", [{"version": ["1"]}, {"a": "1"}, {"a": "1", "b": ""}, {}])
def test_one_alone_is_told(wanted: dict[str, Any], client_of: dict[str, Client], application: Application) -> None:
    page = client_of["viewer"].get(reverse("dataset_compare"), wanted, follow=True).content.decode()
    assert "two versions to compare them" in page


def test_versions_of_another_application_are_not_found(client_of: dict[str, Client], dataset: Dataset) -> None:
    foreign = make_dataset(application_ensure(slug="another"), ["hello"])
    wanted = {"a": dataset.pk, "b": foreign.pk}
    assert client_of["viewer"].get(reverse("dataset_compare"), wanted).status_code == 404
