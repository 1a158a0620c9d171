from __future__ import annotations

from curation.models import Application
from tests.training.learned import make_dataset, make_run
from training.selectors.training_curves import MOST_POINTS, overlaid_curves, training_curves


def test_losses_and_shares_have_their_own_axes() -> None:
    points = [{"step": 1, "fraction": 0.1, "loss": 2.0}, {"step": 5, "loss": 1.0, "answer_accuracy": 0.5}]
    figure = training_curves(points)
    assert figure is not None
    loss, accuracy = figure["data"]
    assert (loss["x"], loss["y"], loss["yaxis"]) == ([1, 5], [2.0, 1.0], "y")
    assert (accuracy["x"], accuracy["y"], accuracy["yaxis"]) == ([5], [0.5], "y2")


def test_the_memory_taken_is_no_curve() -> None:
    points = [{"step": step, "loss": 1.0, "peak_memory_mb": 900.0, "peak_gpu_memory_mb": 700.0} for step in (1, 5)]
    figure = training_curves(points)
    assert figure is not None and [trace["name"] for trace in figure["data"]] == ["loss"]


def test_there_is_no_curve_before_two_measurements() -> None:
    assert training_curves([]) is None
    assert training_curves([{"step": 1, "loss": 2.0}]) is None


def test_a_long_run_is_drawn_with_some_of_its_points_and_the_last() -> None:
    figure = training_curves([{"step": step, "loss": 1.0} for step in range(MOST_POINTS * 3 + 1)])
    assert figure is not None
    [loss] = figure["data"]
    assert MOST_POINTS // 2 <= len(loss["x"]) <= MOST_POINTS
    assert loss["x"][-1] == MOST_POINTS * 3


def test_runs_are_laid_over_each_other_in_their_own_colours(application: Application) -> None:
    one, other = (make_run(make_dataset(application, ["hello"])) for _ in range(2))
    figure = overlaid_curves([one, other])
    assert figure is not None
    assert [trace["name"] for trace in figure["data"]] == [
        f"run {run.pk} {name}" for run in (one, other) for name in ("loss", "answer accuracy")
    ]
    colours = [trace["line"]["color"] for trace in figure["data"]]
    assert colours[0] == colours[1] != colours[2] == colours[3]


def test_runs_that_measured_nothing_have_no_chart(application: Application) -> None:
    run = make_run(make_dataset(application, ["hello"]))
    run.curve = []
    assert overlaid_curves([run]) is None
