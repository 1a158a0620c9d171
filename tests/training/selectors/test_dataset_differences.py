from __future__ import annotations

import pytest

from curation.models import Application
from tests.training.learned import make_dataset
from training.models import Dataset
from training.selectors import dataset_differences
from training.selectors.dataset_differences import balance_changes, counts, pairs


@pytest.fixture
def versions(application: Application) -> tuple[Dataset, Dataset]:
    """One text of each kind of difference, and one that is the same."""
    older = make_dataset(application, ["play Can", "play Blur", "play Low", "play Air", "play Wire"])
    newer = make_dataset(application, ["PLAY  can", "play Blur", "play Low", "play Air", "play Sade"])
    for text, change in (
        ("play Blur", {"arguments": {"artist": "Blur (band)"}}),
        ("play Low", {"route": "complex"}),
        ("play Air", {"split": "test"}),
        ("PLAY  can", {"arguments": {"artist": "Can"}}),
    ):
        newer.examples.filter(text=text).update(**change)
    return older, newer


def test_every_text_is_counted_as_what_it_is(versions: tuple[Dataset, Dataset]) -> None:
    expected = {"added": 1, "removed": 1, "changed": 1, "rerouted": 1, "moved": 1, "unchanged": 1}
    assert counts(*versions) == expected


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("added", "play Sade"),
        ("removed", "play Wire"),
        ("changed", "play Blur"),
        ("rerouted", "play Low"),
        ("moved", "play Air"),
    ],
)
def test_each_kind_lists_its_texts(kind: str, text: str, versions: tuple[Dataset, Dataset]) -> None:
    [pair] = pairs(*versions, kind).rows
    assert pair.example.text == text


def test_a_changed_call_stands_beside_the_one_before(versions: tuple[Dataset, Dataset]) -> None:
    [pair] = pairs(*versions, "changed").rows
    assert [row.arguments for row in pair.older] == [{"artist": "Blur"}]
    assert [row.arguments for row in pair.newer] == [{"artist": "Blur (band)"}]


def test_a_second_call_of_the_same_text_is_a_change(application: Application) -> None:
    older, newer = (make_dataset(application, ["play Can"]) for _ in range(2))
    [example] = newer.examples.all()
    example.pk, example.arguments = None, {"artist": "Can (band)"}
    example.save()
    found = counts(older, newer)
    assert (found["changed"], found["added"], found["unchanged"]) == (1, 0, 0)
    [pair] = pairs(older, newer, "changed").rows
    assert (len(pair.older), len(pair.newer)) == (1, 2)


def test_a_list_is_continued_without_a_gap(application: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_differences, "PAIRS_PER_PAGE", 2)
    older = make_dataset(application, ["hello"])
    newer = make_dataset(application, [f"play {number}" for number in range(5)])
    seen, after = [], 0
    while True:
        page = pairs(older, newer, "added", after)
        seen += [pair.example.text for pair in page.rows]
        if page.after is None:
            break
        after = page.after
    assert seen == [f"play {number}" for number in range(5)]


def test_the_balance_changes_are_told_by_function(versions: tuple[Dataset, Dataset]) -> None:
    _, newer = versions
    newer.balance = {"train": {"play_music": 10, "set_alarm": 3}}
    changes = {change.row.label: (change.older, change.newer, change.change) for change in balance_changes(*versions)}
    assert changes == {"play_music": (6, 10, 4), "set_alarm": (0, 3, 3), "No call": (1, 0, -1)}
