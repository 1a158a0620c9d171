from __future__ import annotations

from curation.models import Application
from tests.training.learned import make_dataset
from training.selectors.datasets import balance_rows, difference, funnel_steps, source_of


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


def test_a_changed_call_counts_as_removed_and_added(application: Application) -> None:
    first = make_dataset(application, ["play Can", "play Blur"])
    second = make_dataset(application, ["play Can", "play Blur"])
    second.examples.filter(text="play Blur").update(arguments={"artist": "Blur (band)"})
    found = difference(second, first)
    assert (found.added, found.removed, found.kept) == (1, 1, 1)


def test_there_is_nothing_to_build_from_before_a_clustering(application: Application) -> None:
    assert source_of(application) is None
