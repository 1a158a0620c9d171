"""Reads of the dataset pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, QuerySet
from django.utils import timezone

from curation.models import Application, Cluster, Clustering, Job
from curation.models.clusters import ClusterStatus
from curation.models.jobs import ENDED, JobKind
from training.models import Dataset
from training.models.build_choices import BuildChoices
from training.models.datasets import ExampleRoute, Split

FUNNEL = {
    "received": "Received",
    "in approved clusters": "In approved clusters",
    "usable": "Usable",
    "distinct": "Distinct",
    "selected": "Selected, with those to refuse",
}
DATASETS_PER_PAGE = 50
VERSIONS_OFFERED = 100


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """One step of the way from traffic to examples. `share` (0 to 1) is that of the largest step."""

    key: str
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

    clustering: Clustering
    clusters: list[Cluster]
    undecided: int


@dataclass(frozen=True, slots=True)
class DatasetPage:
    """Some datasets, the newest first; `before` continues the list, None at its end."""

    rows: list[Dataset]
    before: int | None


def datasets_of(application: Application) -> QuerySet[Dataset]:
    """An application's datasets, the newest first, with the number of students made of each."""
    return (
        Dataset.objects.filter(application=application)
        .select_related("built_by", "approved_by")
        .annotate(students_made=Count("students"))
        .order_by("-id")
    )


def datasets_page(application: Application, before: int = 0) -> DatasetPage:
    rows = datasets_of(application)
    found = list((rows.filter(pk__lt=before) if before else rows)[: DATASETS_PER_PAGE + 1])
    shown = found[:DATASETS_PER_PAGE]
    return DatasetPage(shown, shown[-1].pk if len(found) > DATASETS_PER_PAGE else None)


def builds_under_way(application: Application) -> QuerySet[Job]:
    return application.jobs.filter(kind=JobKind.BUILD).exclude(state__in=ENDED).select_related("started_by")


def source_of(application: Application) -> BuildSource | None:
    """None before the traffic was clustered."""
    clustering = Clustering.objects.filter(application=application).select_related("application").first()
    if clustering is None:
        return None
    callable_ones = Cluster.objects.filter(clustering=clustering).exclude(function="")
    approved = callable_ones.filter(status=ClusterStatus.APPROVED).order_by("-queries", "pk")
    undecided = callable_ones.filter(status=ClusterStatus.PROPOSED).count()
    return BuildSource(clustering, list(approved.only("name", "function", "queries", "evidence")), undecided)


def funnel_steps(funnel: Mapping[str, int]) -> list[FunnelStep]:
    largest = max([*funnel.values(), 1])
    return [
        FunnelStep(key, label, funnel[key], funnel[key] / largest) for key, label in FUNNEL.items() if key in funnel
    ]


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
    return Cluster.objects.filter(pk__in=dataset.clusters).only("name", "queries").order_by("-queries", "pk")


def versions_of(application: Application, *always: Dataset) -> list[Dataset]:
    """The newest versions to choose from, and those that have to be among them."""
    newest = Dataset.objects.filter(application=application).only("version").order_by("-id")[:VERSIONS_OFFERED]
    return list({version.pk: version for version in [*newest, *always]}.values())


def version_before(dataset: Dataset) -> Dataset | None:
    return Dataset.objects.filter(application=dataset.application_id, pk__lt=dataset.pk).order_by("-id").first()


def choices_in_words(choices: BuildChoices) -> list[str]:
    """What differs from taking everything."""
    kept = choices.as_json()
    said = {
        "limit": f"the newest {choices.limit:,} distinct queries",
        "most_of_function": f"at most {choices.most_of_function} training examples of one function",
        "since": f"queries from {timezone.localtime(choices.since):%-d %b %Y} on" if choices.since else "",
        "without_clusters": f"without {len(choices.without_clusters)} of the approved clusters",
        "without_functions": f"without {', '.join(choices.without_functions)}",
    }
    return [words for name, words in said.items() if name in kept]


def choices_address(choices: BuildChoices) -> str:
    """The query string that chooses the same again."""
    kept: dict[str, Any] = choices.as_json()
    if choices.since:
        kept["since"] = f"{timezone.localtime(choices.since):%Y-%m-%d}"
    return urlencode(kept, doseq=True)


def decisions_on(dataset: Dataset) -> list[tuple[str, str, datetime, int]]:
    """What was decided, by whom (empty: the policy) and when, the latest first."""
    return [
        (item["what"], item["by"], datetime.fromisoformat(item["at"]), item.get("examples", 0))
        for item in reversed(dataset.history)
    ]
