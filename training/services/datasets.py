"""Datasets: built from approved clusters, frozen, approved, and the approval taken back."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from curation.errors import OdiaError
from curation.ml.tools import canonical_json
from curation.models import Application, Cluster, ToolSetVersion
from curation.models.clusters import ClusterStatus
from curation.selectors.tool_sets import current_tool_set
from curation.services.jobs import Report
from training.models import Dataset, DatasetExample
from training.models.build_choices import EVERYTHING, BuildChoices
from training.models.datasets import DatasetStatus, ExampleRoute, Split
from training.services.drawing import divide, draw
from training.services.policies import policy_of

LEAST_SIMPLE = 20
READING_SHARE = 0.8
"""Of the time of a build, about; the rest goes into writing."""
BATCH = 2000


def silent(phase: str, fraction: float, message: str = "") -> None:
    """The report of a build that nobody watches."""


def dataset_build(
    *, application: Application, user: User | None = None, choices: BuildChoices = EVERYTHING, report: Report = silent
) -> Dataset:
    """Draw a dataset from the approved clusters.

    Queries of the approved clusters are examples of what to answer, all others of what to refuse. The texts are
    split by the time of their first arrival, so that no text stands in two splits. Where a dataset with the same
    examples exists, that one is returned. All its rows become visible at once.

    Raises:
        OdiaError: there is too little to learn from, or a cluster lost its approval meanwhile.
        JobCancelled: from `report`.
    """
    tool_set = current_tool_set(application)
    if tool_set is None:
        raise OdiaError("There is no traffic with tools yet; import a log or send requests through the gateway.")
    clusters = _chosen_clusters(application, choices)
    drawn = draw(application, tool_set, clusters, choices, _part(report, 0.0, READING_SHARE))
    if drawn.simple < LEAST_SIMPLE:
        raise OdiaError(f"The approved clusters hold fewer than {LEAST_SIMPLE} distinct usable queries; approve more.")
    examples = divide(drawn.groups[-choices.limit :], choices.most_of_function)
    funnel = {step: drawn.counts[step] for step in ("received", "in approved clusters", "usable", "distinct")}
    funnel["selected"] = len(examples)
    report("Writing the examples", READING_SHARE, f"{len(examples):,} examples")
    return _store(application, tool_set, clusters, examples, funnel, choices, user)


@transaction.atomic
def dataset_approve(*, dataset: Dataset, user: User | None = None) -> Dataset:
    """Release a dataset for distillation. Without a user, the policy approves it.

    Raises:
        OdiaError: it is approved already, or the policy asks for another person than its builder.
    """
    dataset = _locked(dataset)
    if dataset.status == DatasetStatus.APPROVED:
        raise OdiaError(f"Dataset {dataset.version} is approved already, by {dataset.approved_by or 'the policy'}.")
    if needs_another_approver(dataset=dataset, user=user):
        raise OdiaError(
            f"You built dataset {dataset.version}, and the policy asks for another person to approve it. "
            "Ask another approver."
        )
    dataset.status, dataset.approved_by, dataset.approved_at = DatasetStatus.APPROVED, user, timezone.now()
    return _recorded(dataset, "approved", user)


@transaction.atomic
def dataset_approval_undo(*, dataset: Dataset, user: User | None = None) -> Dataset:
    """Make an approved dataset a draft again, as long as no student learned from it.

    Raises:
        OdiaError: it is a draft, or a run used it.
    """
    dataset = _locked(dataset)
    if dataset.status == DatasetStatus.DRAFT:
        raise OdiaError(f"Dataset {dataset.version} is a draft: there is no approval to take back.")
    run = dataset.runs.first()
    if run:
        raise OdiaError(f"Run {run.pk} used dataset {dataset.version}, so its approval stands.")
    dataset.status, dataset.approved_by, dataset.approved_at = DatasetStatus.DRAFT, None, None
    return _recorded(dataset, "taken back", user)


def needs_another_approver(*, dataset: Dataset, user: User | None) -> bool:
    """Whether the policy keeps this person, who built the dataset, from approving it."""
    is_builder = user is not None and dataset.built_by_id == user.pk
    return is_builder and policy_of(dataset.application).second_approver


def _locked(dataset: Dataset) -> Dataset:
    return (
        Dataset.objects.select_for_update(of=("self",)).select_related("application", "approved_by").get(pk=dataset.pk)
    )


def _recorded(dataset: Dataset, what: str, user: User | None) -> Dataset:
    """Save a decision with who made it and when."""
    dataset.history.append({"what": what, "by": user.username if user else "", "at": timezone.now().isoformat()})
    dataset.save(update_fields=["status", "approved_by", "approved_at", "history"])
    return dataset


def _chosen_clusters(application: Application, choices: BuildChoices) -> set[int]:
    approved = _approved_clusters(application)
    if not approved:
        raise OdiaError("No cluster is approved yet; approve some on the clusters page first.")
    chosen = approved - set(choices.without_clusters)
    if not chosen:
        raise OdiaError("Every approved cluster is left out; leave at least one in.")
    return chosen


def _approved_clusters(application: Application) -> set[int]:
    clustering = application.clusterings.first()
    approved = Cluster.objects.filter(clustering=clustering, status=ClusterStatus.APPROVED).exclude(function="")
    return set(approved.values_list("pk", flat=True)) if clustering else set()


@transaction.atomic
def _store(
    application: Application,
    tool_set: ToolSetVersion,
    clusters: set[int],
    examples: list[DatasetExample],
    funnel: dict[str, int],
    choices: BuildChoices,
    user: User | None,
) -> Dataset:
    # Two builds at once get their versions one after the other, and clusterings wait.
    Application.objects.select_for_update().get(pk=application.pk)
    if not clusters <= _approved_clusters(application):
        raise OdiaError("A cluster lost its approval while the dataset was being built. Build it again.")
    sha256 = _hash(examples)
    same = application.datasets.filter(sha256=sha256, tool_set=tool_set).first()
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
        choices=choices.as_json(),
        built_by=user,
    )
    for example in examples:
        example.dataset = dataset
    DatasetExample.objects.bulk_create(examples, batch_size=BATCH)
    return dataset


def _part(report: Report, start: float, end: float) -> Report:
    """Reports a part of the build as that part of the whole."""
    return lambda phase, fraction, message="": report(phase, start + (end - start) * fraction, message)


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
