"""The map: one point for each pattern."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

from curation.models import Application

MAP_POINTS = 2000


class Shade(NamedTuple):
    """How the map shows clusters up to a simplicity."""

    below: float
    name: str
    colour: str
    symbol: str


SHADES = (
    Shade(0.5, "simplicity below 50%", "--bad", "x"),
    Shade(0.75, "50 to 75%", "--warn", "triangle-up"),
    Shade(0.9, "75 to 90%", "--accent", "square"),
    Shade(1.01, "above 90%", "--good", "circle"),
)


def map_figure(application: Application) -> dict[str, Any]:
    """The map for Plotly: the most frequent patterns, size by traffic, colour and shape by simplicity.

    The data behind each point is the keys of its pattern and of its cluster (0 for none).
    """
    rows = application.patterns.filter(queries__gt=0).order_by("-queries", "id")
    columns = ("pk", "template", "function", "queries", "map_x", "map_y", "cluster_id", "cluster__simplicity")
    by_shade: dict[Shade | None, list[dict[str, Any]]] = defaultdict(list)
    for point in rows.values(*columns)[:MAP_POINTS]:
        by_shade[_shade(point["cluster__simplicity"])].append(point)
    traces = [_points("in no cluster", by_shade[None], "--line-strong", "circle-open")]
    traces += [_points(shade.name, by_shade[shade], shade.colour, shade.symbol) for shade in SHADES]
    layout = {
        "xaxis": {"visible": False},
        "yaxis": {"visible": False},
        "margin": {"t": 8, "r": 8, "b": 8, "l": 8},
        "legend": {"orientation": "h", "itemsizing": "constant"},
        "dragmode": "lasso",
        "uirevision": "map",
    }
    return {"data": [trace for trace in traces if trace["x"]], "layout": layout}


def _shade(simplicity: float | None) -> Shade | None:
    return None if simplicity is None else next(shade for shade in SHADES if simplicity < shade.below)


def _points(name: str, points: list[dict[str, Any]], colour: str, symbol: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [round(point["map_x"], 3) for point in points],
        "y": [round(point["map_y"], 3) for point in points],
        "text": [_hover(point) for point in points],
        "hovertemplate": "%{text}<extra></extra>",
        "customdata": [[point["pk"], point["cluster_id"] or 0] for point in points],
        "unselected": {"marker": {"opacity": 0.12}},
        "marker": {
            "size": [round(min(6 + 1.2 * point["queries"] ** 0.5, 40), 1) for point in points],
            "opacity": 0.75,
            "color": colour,
            "symbol": symbol,
            "line": {"width": 1, "color": "--surface" if colour != "--line-strong" else colour},
        },
    }


def _hover(point: dict[str, Any]) -> str:
    template = point["template"][:80].replace("&", "&amp;").replace("<", "&lt;")
    simplicity = point["cluster__simplicity"]
    known = f", simplicity {simplicity:.0%}" if simplicity is not None else ""
    return f"{template}<br>{point['function'] or 'no call'}<br>{point['queries']:,} queries{known}"
