"""What a dataset built now would be, told at once: from counts that are there already, and so only about.

The queries are not counted. The clustering knows how many queries each cluster holds and which functions
they call, the sums per hour know how many came since a date, and the latest dataset knows how many of the usable ones
were distinct.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, Sum

from curation.ml.evidence import function_name
from curation.models import Application, Cluster, Clustering, Query, TrafficHour
from curation.models.traffic import INLINE_ROUTES
from training.models.build_choices import CALIBRATION_SHARE, TEST_SHARE, BuildChoices
from training.models.datasets import ExampleRoute, Split
from training.selectors.datasets import BalanceRow, FunnelStep, balance_rows, funnel_steps

NEWEST = 200
SHARES = {
    Split.TRAIN: 1 - CALIBRATION_SHARE - TEST_SHARE,
    Split.CALIBRATION: CALIBRATION_SHARE,
    Split.TEST: TEST_SHARE,
}


@dataclass(frozen=True, slots=True)
class Repetition:
    """How many of the queries are distinct (0 to 1): of those to answer, and of those to refuse."""

    simple: float = 1.0
    refused: float = 1.0


@dataclass(frozen=True, slots=True)
class Traffic:
    """Queries with a reference call: those that the clustering in force looked at, and those on either side."""

    seen: int
    newer: int
    older: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """Distinct queries that follow one another in time: so many to refuse, so many to answer."""

    refused: float
    simple: float

    @property
    def texts(self) -> float:
        return self.refused + self.simple


@dataclass(frozen=True, slots=True)
class BuildEstimate:
    """The funnel and the balance (each row with its total), about.

    `is_upper_bound`: nothing is known of repeated queries, so there are at most so many examples. `newer` queries came
    after the clustering in force, `older` ones before the first that it looked at.
    """

    steps: list[FunnelStep]
    balance: list[tuple[BalanceRow, int]]
    is_upper_bound: bool
    newer: int
    older: int

    @property
    def selected(self) -> int:
        return self.steps[-1].count


def build_estimate(clustering: Clustering, clusters: Sequence[Cluster], choices: BuildChoices) -> BuildEstimate:
    """What a build from these approved clusters would give.

    Takes equally long whatever the history: reads hourly sums and the newest few queries.
    """
    traffic = _traffic(clustering, choices.since)
    chosen = [cluster for cluster in clusters if cluster.pk not in choices.without_clusters]
    share = traffic.seen / clustering.queries if clustering.queries else 0.0
    usable = _usable(chosen, share, choices)
    repetition = _repetition(clustering.application)
    distinct = repetition or Repetition()
    simple = {name: count * distinct.simple for name, count in usable.items()}
    refused = max(traffic.seen - sum(usable.values()), 0.0)
    stretches = [(traffic.newer, 0.0), (refused, sum(simple.values())), (traffic.older, 0.0)]
    balance = _balance(simple, [Stretch(count * distinct.refused, found) for count, found in stretches], choices)
    funnel = {
        "received": traffic.seen + traffic.newer + traffic.older,
        "in approved clusters": share * sum(cluster.queries for cluster in chosen),
        "usable": sum(usable.values()),
        "distinct": sum(simple.values()),
        "selected": sum(sum(counts.values()) for counts in balance.values()),
    }
    shown = {split: {name: about(count) for name, count in counts.items()} for split, counts in balance.items()}
    rows = [(row, about(row.total)) for row in balance_rows(shown)]
    steps = funnel_steps({step: about(count) for step, count in funnel.items()})
    return BuildEstimate(steps, rows, repetition is None, about(traffic.newer), about(traffic.older))


def about(count: float) -> int:
    """Two digits that count: 8596 is about 8600."""
    return int(float(f"{count:.2g}")) if count >= 10 else round(count)


def _traffic(clustering: Clustering, since: datetime | None) -> Traffic:
    answered = _answered(clustering.application)
    received = min(_answered(clustering.application, since), answered) if since else answered
    seen = min(received, clustering.queries)
    if not _newest_are_unseen(clustering.application):
        return Traffic(seen, 0, received - seen)
    newer = min(answered - clustering.queries, _answered(clustering.application, clustering.created_at) or answered)
    newer = max(min(newer, received), 0)
    seen = min(received - newer, clustering.queries)
    return Traffic(seen, newer, received - newer - seen)


def _newest_are_unseen(application: Application) -> bool:
    """Whether most of the newest queries that a clustering would look at have not been in one."""
    newest = Query.objects.filter(application=application).order_by("-id")
    rows = newest.values_list("pattern", "labelled", "excluded", "context")[:NEWEST]
    patterns = [pattern for pattern, labelled, excluded, context in rows if labelled and not excluded and not context]
    return bool(patterns) and sum(pattern is None for pattern in patterns) > len(patterns) / 2


def _answered(application: Application, since: datetime | None = None) -> int:
    """Requests whose reference call is known: the teacher answered or audited them."""
    hours = TrafficHour.objects.filter(application=application)
    if since:
        hours = hours.filter(hour__gte=since)
    inline = Q(route__in=INLINE_ROUTES)
    sums = hours.aggregate(teacher=Sum("requests", filter=~inline), audited=Sum("audited", filter=inline))
    return (sums["teacher"] or 0) + (sums["audited"] or 0)


def _usable(clusters: Iterable[Cluster], share: float, choices: BuildChoices) -> dict[str, float]:
    """Queries per function that a student would learn to answer."""
    usable: defaultdict[str, float] = defaultdict(float)
    for cluster in clusters:
        others: dict[str, int] = cluster.evidence["purity"].get("others", {})
        mainly = cluster.queries - sum(others.values())
        for label, count in [(cluster.function, mainly), *others.items()]:
            name = function_name(label)
            if name and name not in choices.without_functions:
                usable[name] += share * count
    return usable


def _repetition(application: Application) -> Repetition | None:
    """As in the latest dataset that was drawn from everything; None where there is none."""
    latest = application.datasets.filter(choices={}).order_by("-id").values_list("funnel", flat=True).first()
    if not latest or not latest.get("usable"):
        return None
    refused = latest["received"] - latest["usable"]
    drawn = latest["selected"] - latest["distinct"]
    return Repetition(latest["distinct"] / latest["usable"], max(min(drawn / refused, 1.0), 0.0) if refused else 1.0)


def _balance(
    simple: dict[str, float], stretches: Sequence[Stretch], choices: BuildChoices
) -> dict[str, dict[str, float]]:
    """Examples per split and function, within the limits that were chosen; the newest stretch comes first."""
    taken = min(sum(stretch.texts for stretch in stretches), choices.limit)
    whole = sum(simple.values())
    balance: dict[str, dict[str, float]] = {}
    begin = 0.0
    for split, share in reversed(SHARES.items()):
        answered, refused = _between(stretches, begin, begin + share * taken)
        begin += share * taken
        most = choices.most_of_function if split == Split.TRAIN else None
        counts = {name: answered * count / whole for name, count in simple.items()} if whole else {}
        balance[split] = {name: count if most is None else min(count, most) for name, count in counts.items()}
        balance[split][f"({ExampleRoute.COMPLEX.label})"] = refused
    return balance


def _between(stretches: Sequence[Stretch], begin: float, end: float) -> tuple[float, float]:
    """Queries to answer and to refuse between two places of the line of stretches."""
    answered = refused = place = 0.0
    for stretch in stretches:
        inside = max(min(end, place + stretch.texts) - max(begin, place), 0.0)
        part = inside / stretch.texts if stretch.texts else 0.0
        answered += part * stretch.simple
        refused += part * stretch.refused
        place += stretch.texts
    return answered, refused
