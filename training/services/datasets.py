"""Datasets: built from approved clusters, frozen, approved."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from curation.errors import OdiaError
from curation.ml.calls import canonical_call, normalise_text
from curation.ml.tools import canonical_json
from curation.models import Application, Cluster, Query, ToolSetVersion
from curation.models.clusters import ClusterStatus
from curation.selectors.tool_sets import current_tool_set
from training.models import Dataset, DatasetExample
from training.models.datasets import DatasetStatus, ExampleRoute, Split
from training.services.policies import policy_of

CALIBRATION_SHARE = 0.15
TEST_SHARE = 0.10
MOST_EXAMPLES = 60_000
LEAST_SIMPLE = 20
BATCH = 2000


@dataclass(slots=True)
class _Group:
    """All queries with the same text (up to case and white space) and the same reference call."""

    first: Query
    route: ExampleRoute
    weight: int


@transaction.atomic
def dataset_build(*, application: Application, user: User | None = None, limit: int = MOST_EXAMPLES) -> Dataset:
    """Draw a dataset from the approved clusters.

    Queries of the approved clusters are examples of what to answer, all others of what to refuse. The texts are
    split by the time of their first arrival, so that no text stands in two splits. The newest `limit` texts are
    taken. Where a dataset with the same examples exists, that one is returned.

    Raises:
        OdiaError: there is too little to learn from.
    """
    tool_set = current_tool_set(application)
    if tool_set is None:
        raise OdiaError("There is no traffic with tools yet; import a log or send requests through the gateway.")
    clusters = _approved_clusters(application)
    if not clusters:
        raise OdiaError("No cluster is approved yet; approve some on the clusters page first.")
    funnel: dict[str, int] = {}
    groups = _groups(application, tool_set, clusters, funnel)
    if sum(group.route == ExampleRoute.SIMPLE for group in groups) < LEAST_SIMPLE:
        raise OdiaError(f"The approved clusters hold fewer than {LEAST_SIMPLE} distinct usable queries; approve more.")
    examples = _split(groups[-limit:])
    funnel["selected"] = len(examples)
    sha256 = _hash(examples)
    same = application.datasets.filter(sha256=sha256).first()
    if same:
        return same
    dataset = Dataset.objects.create(
        application=application,
        version=(application.datasets.aggregate(last=Max("version"))["last"] or 0) + 1,
        tool_set=tool_set,
        sha256=sha256,
        funnel=funnel,
        balance=_balance(examples),
        clusters=sorted(clusters),
        built_by=user,
    )
    for example in examples:
        example.dataset = dataset
    DatasetExample.objects.bulk_create(examples, batch_size=BATCH)
    return dataset


@transaction.atomic
def dataset_approve(*, dataset: Dataset, user: User | None = None) -> Dataset:
    """Release a dataset for distillation.

    Raises:
        OdiaError: it is approved already.
    """
    dataset = Dataset.objects.select_for_update().get(pk=dataset.pk)
    if dataset.status == DatasetStatus.APPROVED:
        raise OdiaError(f"Dataset {dataset.version} is approved already.")
    dataset.status, dataset.approved_by, dataset.approved_at = DatasetStatus.APPROVED, user, timezone.now()
    dataset.save(update_fields=["status", "approved_by", "approved_at"])
    return dataset


def _approved_clusters(application: Application) -> set[int]:
    clustering = application.clusterings.first()
    approved = Cluster.objects.filter(clustering=clustering, status=ClusterStatus.APPROVED).exclude(function="")
    return set(approved.values_list("pk", flat=True)) if clustering else set()


def _groups(
    application: Application, tool_set: ToolSetVersion, clusters: set[int], funnel: dict[str, int]
) -> list[_Group]:
    """Distinct queries in the order of their first arrival; counts the steps of the funnel."""
    rules, tools = application.comparison_rules, tool_set.tool_set
    allow_context = policy_of(application).allow_context
    groups: dict[Hashable, _Group] = {}
    counts: Counter[str] = Counter()
    for query in _labelled_queries(application, tool_set):
        approved = query.cluster_id in clusters  # type: ignore[attr-defined]
        counts["received"] += 1
        counts["in approved clusters"] += approved
        if query.excluded or (query.context and not allow_context):
            continue
        call = query.call
        if call and tools.problem_with(call.name, call.arguments):
            continue
        route = _route(query, approved)
        counts["usable"] += route == ExampleRoute.SIMPLE
        key = (normalise_text(query.text), canonical_call(call, tools, rules))
        group = groups.get(key)
        if group is None:
            groups[key] = _Group(query, route, 1)
            counts["distinct"] += route == ExampleRoute.SIMPLE
        else:
            group.weight += 1
    funnel.update({step: counts[step] for step in ("received", "in approved clusters", "usable", "distinct")})
    return list(groups.values())


def _labelled_queries(application: Application, tool_set: ToolSetVersion) -> Iterable[Query]:
    queries = Query.objects.filter(application=application, labelled=True, tool_set=tool_set)
    return queries.annotate(cluster_id=F("pattern__cluster_id")).order_by("id").iterator(chunk_size=BATCH)


def _route(query: Query, approved: bool) -> ExampleRoute:
    if query.several_calls:
        return ExampleRoute.COMPLEX
    if not query.function:
        return ExampleRoute.NO_CALL
    return ExampleRoute.SIMPLE if approved or query.corrected else ExampleRoute.COMPLEX


def _split(groups: Sequence[_Group]) -> list[DatasetExample]:
    """Train before calibration before test, by the first arrival of a text, whatever calls it got."""
    by_text: dict[str, list[_Group]] = defaultdict(list)
    for group in groups:
        by_text[normalise_text(group.first.text)].append(group)
    test_from = (1 - TEST_SHARE) * len(by_text)
    calibration_from = test_from - CALIBRATION_SHARE * len(by_text)
    examples = []
    for position, alike in enumerate(by_text.values()):
        split = Split.TRAIN
        if position >= calibration_from:
            split = Split.TEST if position >= test_from else Split.CALIBRATION
        examples += [_example(group, split) for group in alike]
    return examples


def _example(group: _Group, split: Split) -> DatasetExample:
    query = group.first
    return DatasetExample(
        split=split,
        route=group.route,
        query_id=query.pk,
        text=query.text,
        function=query.function,
        arguments=query.arguments,
        weight=group.weight,
    )


def _hash(examples: Iterable[DatasetExample]) -> str:
    digest = hashlib.sha256()
    for row in examples:
        fields: list[Any] = [row.split, row.route, row.text, row.function, row.arguments, row.weight]
        digest.update(canonical_json(fields).encode("utf-8", "surrogatepass") + b"\n")
    return digest.hexdigest()


def _balance(examples: Iterable[DatasetExample]) -> dict[str, dict[str, int]]:
    """Examples per split and function; what is to be refused stands under its route."""
    counts: dict[str, Counter[str]] = {split: Counter() for split in Split.values}
    for row in examples:
        counts[row.split][row.function if row.route == ExampleRoute.SIMPLE else f"({row.get_route_display()})"] += 1
    return {split: dict(counter.most_common()) for split, counter in counts.items()}
