from __future__ import annotations

from training.selectors.figures import training_curves


def test_losses_and_shares_have_their_own_axes() -> None:
    points = [{"step": 1, "fraction": 0.1, "loss": 2.0}, {"step": 5, "loss": 1.0, "answer_accuracy": 0.5}]
    figure = training_curves(points)
    assert figure is not None
    loss, accuracy = figure["data"]
    assert (loss["x"], loss["y"], loss["yaxis"]) == ([1, 5], [2.0, 1.0], "y")
    assert (accuracy["x"], accuracy["y"], accuracy["yaxis"]) == ([5], [0.5], "y2")


def test_there_is_no_curve_before_two_measurements() -> None:
    assert training_curves([]) is None
    assert training_curves([{"step": 1, "loss": 2.0}]) is None
