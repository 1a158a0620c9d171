"""The charts of the overview, for Plotly. What has too little data leaves a gap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from curation.models.traffic import Route, Source
from training.selectors.overview import Span, Totals
from training.selectors.shares import Disagreement

Periods = Sequence[tuple[datetime, Totals]]
Address = Callable[[str, datetime], str]
"""Of the requests of a route, or of the imported ones, in a period."""

COLOURS = {
    Route.MEMO: "--good",
    Route.STUDENT: "--accent",
    Route.FALLBACK: "--warn",
    Route.TEACHER: "--line-strong",
    Source.IMPORT: "--line",
}


def routes_figure(span: Span, periods: Periods, address: Address) -> dict[str, Any]:
    """Requests by route, imported ones apart; each bar leads to its requests."""
    moments = [moment for moment, _ in periods]
    counts: dict[str, dict[datetime, int]] = {}
    for row in span.sums:
        of_route = counts.setdefault(row.route if row.source == Source.GATEWAY else Source.IMPORT, {})
        of_route[row.period] = of_route.get(row.period, 0) + row.requests
    traces = [
        {
            "type": "bar",
            "name": "Imported" if name == Source.IMPORT else Route(name).label,
            "x": [moment.isoformat() for moment in moments],
            "y": [counts[name].get(moment, 0) for moment in moments],
            "customdata": [{"href": address(name, moment)} for moment in moments],
            "marker": {"color": colour},
        }
        for name, colour in COLOURS.items()
        if name in counts
    ]
    return {"data": traces, "layout": {"barmode": "stack", "yaxis": {"rangemode": "tozero"}}}


def coverage_figure(periods: Periods) -> dict[str, Any]:
    trace = _line("coverage", [(at, one.coverage) for at, one in periods], "--accent")
    return {"data": [trace], "layout": {"yaxis": {"tickformat": ".0%", "range": [0, 1.02]}, "showlegend": False}}


def disagreement_figure(periods: Sequence[tuple[datetime, Disagreement]], allowed: float) -> dict[str, Any]:
    """The disagreement and its bound where enough answers were audited."""
    known = [(at, None if audits.too_few else audits) for at, audits in periods]
    traces = [
        _line("at most (95%)", [(at, one.bound if one else None) for at, one in known], "--muted", "dot"),
        _line("disagreement", [(at, one.share if one else None) for at, one in known], "--bad"),
    ]
    line = {"color": "--bad", "width": 1, "dash": "dash"}
    level = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": allowed, "y1": allowed, "line": line}
    note = {"xref": "paper", "x": 0, "y": allowed, "xanchor": "left", "yanchor": "bottom", "showarrow": False}
    height = 1.15 * max([2 * allowed, *(one.bound or 0 for _, one in known if one)])
    layout = {
        "yaxis": {"tickformat": ".1%", "range": [0, height]},
        "shapes": [level],
        "annotations": [{**note, "text": f"allowed {allowed:.1%}", "font": {"color": "--bad"}}],
    }
    return {"data": traces, "layout": layout}


def latency_figure(periods: Periods) -> dict[str, Any]:
    """Mean and median with ODIA, beside the teacher's."""
    traces = [
        _line("ODIA, mean", [(at, one.with_odia.mean) for at, one in periods], "--accent"),
        _line("ODIA, median", [(at, one.with_odia.p50) for at, one in periods], "--accent", "dot"),
        _line("teacher, mean", [(at, one.without.mean) for at, one in periods], "--muted"),
        _line("teacher, median", [(at, one.without.p50) for at, one in periods], "--muted", "dot"),
    ]
    known = [trace for trace in traces if any(value is not None for value in trace["y"])]
    return {"data": known, "layout": {"yaxis": {"rangemode": "tozero", "ticksuffix": " ms"}}}


def _line(
    name: str, points: Sequence[tuple[datetime, float | None]], colour: str, dash: str = "solid"
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": [at.isoformat() for at, _ in points],
        "y": [value for _, value in points],
        "line": {"color": colour, "dash": dash, "width": 2},
        "marker": {"color": colour, "size": 5},
    }
