"""Figures for Plotly, as plain data. Colours are names of design tokens; charts.js puts the colours in."""

from __future__ import annotations

from typing import Any

from training.models import Evaluation

NO_FIGURES = {"coverage": None, "disagreement_inline": None, "exact_match": None, "latency_ms": {"p50": None}}
"""Of a student that was not evaluated yet."""

METRIC_COLOURS = ["--accent", "--good", "--warn", "--bad", "--muted"]
PERCENT_AXIS = {"tickformat": ".0%", "rangemode": "tozero"}


def risk_coverage(evaluation: Evaluation, place: int, champion: Evaluation | None = None) -> dict[str, Any]:
    """The risk-coverage curve with the point at `place` marked; the champion's curve for comparison.

    The trace of the marked point is the last one, so that a script can move it.
    """
    curve = evaluation.curve
    traces = [
        _line("upper bound (95%)", curve, "upper_bound", {"color": "--muted", "dash": "dot"}),
        _line("disagreement", curve, "disagreement", {"color": "--accent"}),
    ]
    if champion:
        line = {"color": "--good", "dash": "dash"}
        traces.append(_line(f"{champion.student.version} (champion)", champion.curve, "disagreement", line))
    point = curve[place : place + 1]
    traces.append(
        {
            **_line("chosen threshold", point, "disagreement", {}),
            "mode": "markers",
            "marker": {"size": 13, "color": "--accent", "line": {"width": 2, "color": "--surface"}},
        }
    )
    allowed = evaluation.student.epsilon
    layout = {
        "xaxis": {**PERCENT_AXIS, "title": {"text": "coverage"}},
        "yaxis": {"tickformat": ".1%", "range": [0, _height(curve, allowed)], "title": {"text": "disagreement"}},
        "shapes": [_level(allowed)],
        "annotations": [_note(f"allowed {allowed:.1%}", allowed)],
    }
    return {"data": traces, "layout": layout}


def training_curves(points: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Every measured quantity of a run over its steps; None before there are two points to join.

    Losses have the left axis; quantities between 0 and 1 the right.
    """
    names = [name for name in _names(points) if name not in {"step", "fraction", "seconds_left"}]
    if len(points) < 2 or not names:
        return None
    traces = [
        {
            "name": name.replace("_", " "),
            "x": [point["step"] for point in points if name in point],
            "y": [point[name] for point in points if name in point],
            "mode": "lines+markers",
            "marker": {"size": 4},
            "line": {"color": colour, "width": 2},
            "yaxis": "y" if "loss" in name else "y2",
        }
        for name, colour in zip(names, METRIC_COLOURS, strict=False)
    ]
    layout = {
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
    return {"data": traces, "layout": layout}


def _names(points: list[dict[str, Any]]) -> list[str]:
    """The keys of all points, each once, in the order of their first appearance."""
    return list(dict.fromkeys(name for point in points for name in point))


def _line(name: str, curve: list[dict[str, Any]], measure: str, line: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "x": [point["coverage"] for point in curve],
        "y": [point[measure] for point in curve],
        "customdata": [point["threshold"] for point in curve],
        "hovertemplate": "coverage %{x:.1%}<br>%{y:.2%}<br>threshold %{customdata:.3f}<extra></extra>",
        "mode": "lines",
        "line": {"width": 2, **line},
    }


def _height(curve: list[dict[str, Any]], allowed: float) -> float:
    """Of the chart: the bound is far above all else where few answers are accepted, and may leave the chart there."""
    return 1.15 * max([2 * allowed, *(point["disagreement"] for point in curve)])


def _level(height: float) -> dict[str, Any]:
    line = {"color": "--bad", "width": 1, "dash": "dash"}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": height, "y1": height, "line": line}


def _note(text: str, height: float) -> dict[str, Any]:
    place = {"xref": "paper", "x": 0, "y": height, "xanchor": "left", "yanchor": "bottom"}
    return {**place, "text": text, "showarrow": False, "font": {"color": "--bad"}}
