"""Figures of an evaluation for Plotly, as plain data. Colours are names of design tokens; charts.js puts them in."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from curation.selectors.histogram import middle_of
from training.models import Evaluation
from training.selectors.latency import Latency

NO_FIGURES = {
    "coverage": None,
    "disagreement_inline": None,
    "disagreement_inline_upper_bound": None,
    "exact_match": None,
    "latency_ms": {"p50": None},
}
"""Of a student that was not evaluated yet."""

Curve = Sequence[dict[str, Any]]
"""Points with threshold, coverage, disagreement and upper bound, from the strictest threshold down."""

PERCENT_AXIS = {"tickformat": ".0%", "rangemode": "tozero"}
BINS_PER_DECADE = 10
TICKS = {0: "1 ms", 1: "10 ms", 2: "100 ms", 3: "1 s", 4: "10 s", 5: "100 s"}
MARKS = (("median", "--accent", "solid"), ("expected", "--text", "dash"), ("90%", "--accent", "dot"))
"""In the order of `latency_marks`."""


def risk_coverage(
    curve: Curve, place: int, allowed: float, certified: int | None = None, champion: Evaluation | None = None
) -> dict[str, Any]:
    """The risk-coverage curve with the point at `place` marked; the champion's curve for comparison.

    `allowed` is the policy's share of disagreement, `certified` the place of the threshold in force. The trace of the
    marked point is the last one, so that a script can move it.
    """
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
    shapes, notes = [_level(allowed)], [_note(f"allowed {allowed:.1%}", allowed)]
    if certified is not None:
        shapes.append(_upright(curve[certified]["coverage"], "--good", "dot"))
        notes.append(_top("in force", curve[certified]["coverage"], "--good"))
    layout = {
        "xaxis": {**PERCENT_AXIS, "title": {"text": "coverage"}},
        "yaxis": {"tickformat": ".1%", "range": [0, _height(curve, allowed)], "title": {"text": "disagreement"}},
        "shapes": shapes,
        "annotations": notes,
    }
    return {"data": traces, "layout": layout}


def latency_histogram(
    teacher: Mapping[int, int], student_ms: float, coverage: float, latency: Latency
) -> dict[str, Any]:
    """The latency of answers on a logarithmic axis: the teacher's, and the whole system's at a coverage.

    `teacher` counts latencies in histogram buckets, at least one. The second trace's `customdata` holds, for each bar,
    what is covered and what is not, as shares of their own: a script mixes them by the coverage and moves the marks.
    """
    total = sum(teacher.values())
    alone, behind = Counter[int](), Counter[int]()
    for bucket, count in teacher.items():
        if count:
            alone[_bin(middle_of(bucket))] += count
            behind[_bin(student_ms + middle_of(bucket))] += count
    inline = _bin(student_ms)
    bins = range(min(inline, *alone), max(*alone, *behind) + 1)
    parts = [[float(one == inline), behind[one] / total] for one in bins]
    traces = [
        _bars("the teacher alone", bins, [alone[one] / total for one in bins], "--line-strong"),
        {
            **_bars("with ODIA", bins, [coverage * one + (1 - coverage) * other for one, other in parts], "--accent"),
            "customdata": parts,
        },
    ]
    places = latency_marks(latency)
    marked = list(zip(MARKS, places, strict=True))
    layout = {
        "barmode": "overlay",
        "bargap": 0.05,
        "xaxis": {"tickvals": list(TICKS), "ticktext": list(TICKS.values()), "title": {"text": "latency"}},
        "yaxis": {"tickformat": ".0%", "rangemode": "tozero", "title": {"text": "share of the answers"}},
        "shapes": [_upright(x, colour, dash) for (_, colour, dash), x in marked],
        "annotations": [_top(name, x, colour, level) for level, ((name, colour, _), x) in enumerate(marked)],
        "margin": {"t": 8, "r": 12, "b": 36, "l": 48},
    }
    return {"data": traces, "layout": layout}


def latency_marks(latency: Latency) -> list[float]:
    """Where median, mean and 90th percentile stand on the histogram's axis."""
    return [math.log10(max(ms, 0.01)) for ms in (latency.p50, latency.mean, latency.p90)]


def _bin(ms: float) -> int:
    return math.floor(math.log10(ms) * BINS_PER_DECADE)


def _bars(name: str, bins: Sequence[int], shares: list[float], colour: str) -> dict[str, Any]:
    edges = [10 ** (one / BINS_PER_DECADE) for one in bins]
    return {
        "type": "bar",
        "name": name,
        "x": [(one + 0.5) / BINS_PER_DECADE for one in bins],
        "y": shares,
        "text": [f"{edge:.3g} to {edge * 10 ** (1 / BINS_PER_DECADE):.3g} ms" for edge in edges],
        "textposition": "none",
        "hovertemplate": "%{text}<br>%{y:.1%}<extra>" + name + "</extra>",
        "marker": {"color": colour, "opacity": 0.7},
    }


def _line(name: str, curve: Curve, measure: str, line: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "x": [point["coverage"] for point in curve],
        "y": [point[measure] for point in curve],
        "customdata": [point["threshold"] for point in curve],
        "hovertemplate": "coverage %{x:.1%}<br>%{y:.2%}<br>threshold %{customdata:.3f}<extra></extra>",
        "mode": "lines",
        "line": {"width": 2, **line},
    }


def _height(curve: Curve, allowed: float) -> float:
    """Of the chart: the bound is far above all else where few answers are accepted, and may leave the chart there."""
    return 1.15 * max([2 * allowed, *(point["disagreement"] for point in curve)])


def _level(height: float) -> dict[str, Any]:
    line = {"color": "--bad", "width": 1, "dash": "dash"}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": height, "y1": height, "line": line}


def _upright(x: float, colour: str, dash: str) -> dict[str, Any]:
    line = {"color": colour, "width": 1.5, "dash": dash}
    return {"type": "line", "yref": "paper", "x0": x, "x1": x, "y0": 0, "y1": 1, "line": line}


def _note(text: str, height: float) -> dict[str, Any]:
    place = {"xref": "paper", "x": 0, "y": height, "xanchor": "left", "yanchor": "bottom"}
    return {**place, "text": text, "showarrow": False, "font": {"color": "--bad"}}


def _top(text: str, x: float, colour: str, level: int = 0) -> dict[str, Any]:
    place = {"yref": "paper", "x": x, "y": 1 - level * 0.08, "xanchor": "left", "yanchor": "top"}
    return {**place, "text": text, "showarrow": False, "font": {"color": colour}}
