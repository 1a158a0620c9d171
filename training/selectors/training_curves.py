"""The curves of distillation runs for Plotly, as plain data. Colours are names of design tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from training.models import DistillationRun
from training.students.memory import GPU_MEMORY, MEMORY

COLOURS = ["--accent", "--good", "--warn", "--bad", "--muted", "--text"]
MOST_POINTS = 500
NOT_DRAWN = {"step", "fraction", "seconds_left", MEMORY, GPU_MEMORY}
LAYOUT = {
    # What a person zoomed to stays when new points come.
    "uirevision": "kept",
    "xaxis": {"rangemode": "tozero", "title": {"text": "steps"}},
    "yaxis": {"rangemode": "tozero", "title": {"text": "loss"}},
    "yaxis2": {
        "overlaying": "y",
        "side": "right",
        "range": [0, 1.02],
        "tickvals": [0, 0.25, 0.5, 0.75, 1],
        "tickformat": ".0%",
        "showgrid": False,
    },
}


def training_curves(points: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Every measured quantity of a run over its steps; None before there are two points to join.

    Losses have the left axis; quantities between 0 and 1 the right.
    """
    names = _names(points)
    if len(points) < 2 or not names:
        return None
    points = _thinned(points)
    traces = [
        {**_trace(name.replace("_", " "), points, name, colour), "mode": "lines+markers", "marker": {"size": 4}}
        for name, colour in zip(names, COLOURS, strict=False)
    ]
    return {"data": traces, "layout": LAYOUT}


def overlaid_curves(runs: Sequence[DistillationRun]) -> dict[str, Any] | None:
    """The curves of several runs in one chart, a colour for each: losses drawn out, shares dashed."""
    traces = [
        _trace(f"run {run.pk} {name.replace('_', ' ')}", _thinned(run.curve), name, colour)
        for run, colour in zip(runs, COLOURS, strict=False)
        if len(run.curve) > 1
        for name in _names(run.curve)
    ]
    return {"data": traces, "layout": LAYOUT} if traces else None


def _names(points: list[dict[str, Any]]) -> list[str]:
    """What is drawn of what was measured: the keys of all points, each once, in the order of their first appearance."""
    names = dict.fromkeys(name for point in points for name in point)
    return [name for name in names if name not in NOT_DRAWN]


def _thinned(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Some of many points, evenly, the last one among them: a screen shows no more."""
    step = -(-len(points) // MOST_POINTS)
    return points[::-1][::step][::-1]


def _trace(label: str, points: list[dict[str, Any]], name: str, colour: str) -> dict[str, Any]:
    is_loss = "loss" in name
    return {
        "name": label,
        "x": [point["step"] for point in points if name in point],
        "y": [point[name] for point in points if name in point],
        "mode": "lines",
        "line": {"color": colour, "width": 2, "dash": "solid" if is_loss else "dot"},
        "yaxis": "y" if is_loss else "y2",
    }
