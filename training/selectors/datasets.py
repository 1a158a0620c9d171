"""Reads of the dataset pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from curation.models import Application, Cluster, Clustering
from curation.models.clusters import ClusterStatus
from training.models import Dataset, DatasetExample
from training.models.datasets import ExampleRoute, Split

FUNNEL = {
    "received": "Received",
    "in approved clusters": "In approved clusters",
    "usable": "Usable",
    "distinct": "Distinct",
    "selected": "Selected, with those to refuse",
}
EXAMPLES_PER_PAGE = 30


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """One step of the way from traffic to examples. `share` (0 to 1) is that of the largest step."""

    label: str
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """Examples of one function, or of one route of what is to be refused, in each split."""

    label: str
    route: str
    counts: list[tuple[str, int]]

    @property
    def total(self) -> int:
        return sum(count for _, count in self.counts)

    @property
    def address(self) -> str:
        """The filter that shows these examples."""
        simple = {"function": self.label, "route": ExampleRoute.SIMPLE.value}
        return urlencode({"route": self.route} if self.route else simple)


@dataclass(frozen=True, slots=True)
class BuildSource:
    """What a dataset built now would be drawn from: the approved clusters of the clustering in force."""

    received: int
    clusters: int
    undecided: int
    queries: int

    @property
    def steps(self) -> list[FunnelStep]:
        return funnel_steps({"received": self.received, "in approved clusters": self.queries})


@dataclass(frozen=True, slots=True)
class Difference:
    """Examples (text with its call) that one dataset has and another has not."""

    other: Dataset
    added: int
    removed: int
    kept: int


@dataclass(frozen=True, slots=True)
class ExamplesPage:
    """Some examples in the order of their keys; `after` continues the list, None at its end."""

    rows: list[DatasetExample]
    after: int | None


def datasets_of(application: Application) -> QuerySet[Dataset]:
    """An application's datasets, the newest first, with the number of students made of each."""
    return (
        Dataset.objects.filter(application=application)
        .select_related("built_by", "approved_by")
        .annotate(students_made=Count("students"))
        .order_by("-id")
    )


def source_of(application: Application) -> BuildSource | None:
    """None before the traffic was clustered."""
    clustering = Clustering.objects.filter(application=application).first()
    if clustering is None:
        return None
    counts = clustering.clusters.aggregate(
        clusters=Count("pk", filter=Q(status=ClusterStatus.APPROVED)),
        undecided=Count("pk", filter=Q(status=ClusterStatus.PROPOSED)),
        queries=Coalesce(Sum("queries", filter=Q(status=ClusterStatus.APPROVED)), 0),
    )
    return BuildSource(clustering.queries, **counts)


def funnel_steps(funnel: Mapping[str, int]) -> list[FunnelStep]:
    largest = max([*funnel.values(), 1])
    return [FunnelStep(label, funnel[key], funnel[key] / largest) for key, label in FUNNEL.items() if key in funnel]


def balance_rows(balance: Mapping[str, Mapping[str, int]]) -> list[BalanceRow]:
    """Examples per function, the commonest first; what is to be refused stands at the end."""
    routes = {f"({label})": value for value, label in ExampleRoute.choices}
    names = {name for counts in balance.values() for name in counts}
    rows = [
        BalanceRow(
            name.strip("()") if name in routes else name,
            routes.get(name, ""),
            [(split, balance.get(split, {}).get(name, 0)) for split in Split.values],
        )
        for name in names
    ]
    return sorted(rows, key=lambda row: (bool(row.route), -row.total, row.label))


def clusters_of(dataset: Dataset) -> QuerySet[Cluster]:
    """The approved clusters that a dataset was drawn from."""
    return Cluster.objects.filter(pk__in=dataset.clusters)


def examples_page(
    dataset: Dataset, *, split: str = "", route: str = "", function: str | None = None, after: int = 0
) -> ExamplesPage:
    """The examples behind `after` that fit; `function` None is any, empty is *no call*."""
    wanted = {"split": split, "route": route}
    rows = dataset.examples.filter(**{name: value for name, value in wanted.items() if value}, pk__gt=after)
    if function is not None:
        rows = rows.filter(function=function)
    found = list(rows[: EXAMPLES_PER_PAGE + 1])
    more = len(found) > EXAMPLES_PER_PAGE
    shown = found[:EXAMPLES_PER_PAGE]
    return ExamplesPage(shown, shown[-1].pk if more else None)


def difference(dataset: Dataset, other: Dataset) -> Difference:
    """What `dataset` has more and less than `other`."""
    mine, theirs = (
        each.examples.order_by().values("text", "function", "arguments").distinct() for each in (dataset, other)
    )
    added = mine.difference(theirs).count()
    removed = theirs.difference(mine).count()
    return Difference(other, added, removed, mine.count() - added)
