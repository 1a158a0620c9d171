from __future__ import annotations

from datetime import UTC, datetime

from django.http import QueryDict

from curation.models import Application
from tests.training.learned import make_dataset
from tests.training.services.conftest import busy
from training.forms.building import BuildForm
from training.models.build_choices import EVERYTHING, BuildChoices
from training.selectors.datasets import (
    DATASETS_PER_PAGE,
    balance_rows,
    choices_address,
    choices_in_words,
    datasets_page,
    funnel_steps,
    source_of,
)

__all__ = ["busy"]


def test_the_funnel_keeps_its_order_and_scale() -> None:
    steps = funnel_steps({"selected": 5, "received": 20, "usable": 10})
    assert [(step.count, step.share) for step in steps] == [(20, 1.0), (10, 0.5), (5, 0.25)]
    assert funnel_steps({}) == []


def test_what_is_to_be_refused_stands_behind_the_functions() -> None:
    rows = balance_rows({"train": {"(No call)": 90, "rare": 1}, "test": {"common": 3, "rare": 1}})
    assert [row.label for row in rows] == ["common", "rare", "No call"]
    assert rows[1].counts == [("train", 1), ("calibration", 0), ("test", 1)]
    assert rows[1].address == "function=rare&route=simple"
    assert rows[2].address == "route=no_call"


def test_there_is_nothing_to_build_from_before_a_clustering(application: Application) -> None:
    assert source_of(application) is None


def test_the_source_is_read_in_three_queries(busy: Application, django_assert_num_queries) -> None:
    with django_assert_num_queries(3):
        source = source_of(busy)
        assert source
        assert sorted((cluster.name, cluster.function) for cluster in source.clusters) == [
            ("pause", "pause"),
            ("play_artist", "play_artist"),
        ]


def test_versions_are_continued_without_a_gap(application: Application) -> None:
    for _ in range(DATASETS_PER_PAGE + 1):
        make_dataset(application, ["play Can"])
    first = datasets_page(application)
    assert first.before is not None
    rest = datasets_page(application, first.before)
    versions = [dataset.version for dataset in [*first.rows, *rest.rows]]
    assert versions == list(range(DATASETS_PER_PAGE + 1, 0, -1)) and rest.before is None


def test_choices_come_back_from_their_address() -> None:
    choices = BuildChoices(limit=500, most_of_function=9, since=datetime(2026, 3, 1, tzinfo=UTC))
    assert BuildForm([], QueryDict(choices_address(choices))).choices == choices
    assert choices_in_words(choices) == [
        "the newest 500 distinct queries",
        "at most 9 training examples of one function",
        "queries from 1 Mar 2026 on",
    ]
    assert choices_address(EVERYTHING) == "" and choices_in_words(EVERYTHING) == []
