"""Reads of clusters: the queue, one cluster with its evidence and samples, the map."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.contrib.auth.models import User
from django.db.models import Count, QuerySet, Sum
from django.urls import reverse

from curation.ml.calls import Call, canonical_call, normalise_text
from curation.ml.evidence import Evidence, describe
from curation.models import Application, Cluster, Clustering, Pattern, Query, Review
from curation.models.clusters import ClusterStatus
from curation.models.reviews import Decision
from curation.selectors.traffic import Segment, segments

PATTERNS_SHOWN = 12
MAP_POINTS = 2000
LOOKED_AT = 2000
CONTRADICTIONS_SHOWN = 12
SAMPLE_KINDS: Mapping[str, str] = {"typical": "Typical", "borderline": "Borderline", "odd": "Odd"}


def clustering_in_force(application: Application) -> Clustering | None:
    return application.clusterings.first()


def clusters_of(clustering: Clustering | None, status: str = "", function: str = "") -> QuerySet[Cluster]:
    """The clusters of a clustering, those that would save the most first."""
    rows = Cluster.objects.filter(clustering=clustering).defer("centroid", "evidence", "samples")
    if status:
        rows = rows.filter(status=status)
    return rows.filter(function=function) if function else rows


class Progress(NamedTuple):
    """How many clusters have a status, and their share of the traffic."""

    clusters: int
    share: float


def progress_by_status(clustering: Clustering | None) -> dict[str, Progress]:
    """The progress of each status, and under the empty key of all clusters together."""
    found = (
        Cluster.objects.filter(clustering=clustering)
        .order_by()
        .values("status")
        .annotate(number=Count("pk"), part=Sum("share"))
    )
    progress = {row["status"]: Progress(row["number"], row["part"]) for row in found}
    total = Progress(sum(one.clusters for one in progress.values()), sum(one.share for one in progress.values()))
    return {"": total, **{status: progress.get(status, Progress(0, 0.0)) for status in ClusterStatus.values}}


def functions_of(clustering: Clustering | None) -> list[str]:
    rows = Cluster.objects.filter(clustering=clustering).exclude(function="")
    return list(rows.order_by("function").values_list("function", flat=True).distinct())


def next_undecided(cluster: Cluster) -> int | None:
    """The undecided cluster after this one in the queue; at its end, the first that was left behind."""
    queue = list(Cluster.objects.filter(clustering=cluster.clustering_id).values_list("pk", "status"))
    here = next((place for place, (pk, _) in enumerate(queue) if pk == cluster.pk), -1)
    ahead = queue[here + 1 :] + queue[: max(here, 0)]
    return next((pk for pk, status in ahead if status == ClusterStatus.PROPOSED), None)


class Neighbours(NamedTuple):
    """The clusters before and after one in a list, and its place in it (from 1; 0 if it is not in it)."""

    previous: int | None
    following: int | None
    place: int
    total: int


def neighbours(cluster: Cluster, rows: QuerySet[Cluster]) -> Neighbours:
    keys = list(rows.values_list("pk", flat=True))
    if cluster.pk not in keys:
        return Neighbours(None, keys[0] if keys else None, 0, len(keys))
    here = keys.index(cluster.pk)
    following = keys[here + 1] if here + 1 < len(keys) else None
    return Neighbours(keys[here - 1] if here else None, following, here + 1, len(keys))


class EvidencePart(NamedTuple):
    """One part of the evidence in words, with its figure."""

    label: str
    sentence: str
    figure: str


def evidence_of(cluster: Cluster) -> list[EvidencePart]:
    return [EvidencePart(*part) for part in describe(msgspec.convert(cluster.evidence, Evidence))]


def patterns_of(cluster: Cluster) -> list[Pattern]:
    """The patterns of a cluster, the most frequent first."""
    return list(cluster.patterns.defer("embedding"))


@dataclass(frozen=True, slots=True)
class Sample:
    """One query of a cluster with its argument values marked."""

    query: Query
    segments: list[Segment]


def samples_of(cluster: Cluster) -> dict[str, list[Sample]]:
    """The chosen samples by kind; queries that are gone are left out."""
    kinds = {kind: [UUID(pk) for pk in cluster.samples.get(kind, [])] for kind in SAMPLE_KINDS}
    queries = Query.objects.in_bulk([pk for keys in kinds.values() for pk in keys])
    return {
        SAMPLE_KINDS[kind]: [
            Sample(queries[pk], segments(queries[pk].text, queries[pk].call)) for pk in keys if pk in queries
        ]
        for kind, keys in kinds.items()
    }


class Answer(NamedTuple):
    """One call that the teacher made, how often, and a query where it did."""

    call: Call | None
    times: int
    query_id: UUID


class Contradiction(NamedTuple):
    """One text that the teacher answered with different calls, the commonest first."""

    text: str
    answers: list[Answer]


def contradictions_of(cluster: Cluster) -> list[Contradiction]:
    """Texts among the cluster's newest queries whose reference calls differ, the most frequent first."""
    rows = Query.objects.filter(pattern__cluster=cluster, labelled=True).order_by("-id")
    by_text: dict[str, list[Query]] = defaultdict(list)
    for query in rows.only("id", "text", "function", "arguments")[:LOOKED_AT]:
        by_text[normalise_text(query.text)].append(query)
    found = [Contradiction(queries[0].text, _answers(queries)) for queries in by_text.values()]
    found = [one for one in found if len(one.answers) > 1]
    return sorted(found, key=lambda one: -sum(answer.times for answer in one.answers))[:CONTRADICTIONS_SHOWN]


def reviews_of_cluster(cluster: Cluster) -> list[Review]:
    return list(cluster.reviews.select_related("reviewer", "undone_by"))


def last_decision(application: Application, user: User) -> Review | None:
    """The person's last decision, if it can still be taken back."""
    review = Review.objects.filter(application=application, reviewer=user).select_related("cluster").first()
    if review is None or review.decision == Decision.UNDO:
        return None
    later = Review.objects.filter(pk__gt=review.pk, cluster=review.cluster, query_id=review.query_id)
    return None if later.exists() else review


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
    """The map for Plotly: the most frequent patterns, size by traffic, colour and shape by simplicity."""
    rows = application.patterns.filter(queries__gt=0).order_by("-queries", "id")
    columns = ("template", "function", "queries", "map_x", "map_y", "cluster_id", "cluster__simplicity")
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
        "customdata": [{"href": _cluster_address(point)} for point in points],
        "marker": {
            "size": [min(6 + 1.2 * point["queries"] ** 0.5, 40) for point in points],
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
    return f"<b>{template}</b><br>{point['function'] or 'no call'}<br>{point['queries']:,} queries{known}"


def _cluster_address(point: dict[str, Any]) -> str:
    return reverse("cluster", args=[point["cluster_id"]]) if point["cluster_id"] else ""


def _answers(queries: Iterable[Query]) -> list[Answer]:
    alike: dict[object, list[Query]] = defaultdict(list)
    for query in queries:
        alike[canonical_call(query.call)].append(query)
    answers = [Answer(same[0].call, len(same), same[0].pk) for same in alike.values()]
    return sorted(answers, key=lambda answer: -answer.times)
