"""Which queries become the examples of a dataset, and in which split each stands.

Once a student answers inline, the teacher's answers are no longer a fair picture of the traffic: of what a student
refuses all are known, of what it answers only those that audits ask for. So calibration and test take, of the queries
that a student was asked about, only those that chance picks for audits, whatever became of them; all others are for
training. Of queries under older tools, those stay examples whose function is offered unchanged: the gateway answers
them by the same rule.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field

from django.db.models import F, QuerySet

from curation.identifiers import first_id
from curation.ml.calls import canonical_call, normalise_text
from curation.ml.tools import ToolSet
from curation.models import Application, Query, ToolSetVersion
from curation.models.traffic import INLINE_ROUTES, Route
from curation.selectors.tool_sets import holding_functions
from curation.services.jobs import Report
from training.models import DatasetExample, RoutingPolicy
from training.models.build_choices import CALIBRATION_SHARE, TEST_SHARE, BuildChoices
from training.models.datasets import ExampleRoute, Split
from training.selectors.audit_shares import AuditShares, audit_shares
from training.selectors.teacher_changes import changed_functions
from training.services.policies import policy_of

BATCH = 2000
FIELDS = ("text", "function", "arguments", "several_calls", "corrected", "excluded", "context", "tool_set_id")
ASKED_A_STUDENT = (*INLINE_ROUTES, Route.FALLBACK)


@dataclass(slots=True)
class Group:
    """All queries with the same text (up to case and white space) and the same reference call."""

    first: Query
    route: ExampleRoute
    weight: int = 0
    measuring: int = 0
    """How many of its queries are of those that a student may be measured on."""


@dataclass(slots=True)
class Drawn:
    """Distinct queries in the order of their first arrival, and how many queries came to each step of the funnel."""

    groups: list[Group] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def simple(self) -> int:
        return sum(group.route == ExampleRoute.SIMPLE for group in self.groups)


class OlderTools:
    """Which answers under older tools stand for answers under those that are offered now."""

    def __init__(self, application: Application, tool_set: ToolSetVersion) -> None:
        self._current = tool_set.pk
        self._holding = holding_functions(application, tool_set)

    def still_hold(self, query: Query) -> bool:
        tool_set = query.tool_set_id
        return tool_set == self._current or query.function in self._holding.get(tool_set or 0, ())


def draw(
    application: Application, tool_set: ToolSetVersion, clusters: set[int], choices: BuildChoices, report: Report
) -> Drawn:
    """Group the traffic by text and call. `clusters` are those whose queries a student shall answer."""
    rules, tools = application.comparison_rules, tool_set.tool_set
    policy, older_tools = policy_of(application), OlderTools(application, tool_set)
    shares = audit_shares(policy)
    outdated = {function: first_id(moment) for function, moment in changed_functions(application).items()}
    groups: dict[Hashable, Group] = {}
    drawn = Drawn()
    for query in _reported(_labelled_queries(application, choices), report):
        if not older_tools.still_hold(query) or query.pk < outdated.get(query.function, query.pk):
            continue
        approved = query.cluster_id in clusters  # type: ignore[attr-defined]
        drawn.counts["received"] += 1
        drawn.counts["in approved clusters"] += approved
        if not is_usable(query, tools, policy):
            continue
        route = route_of(query, approved, choices)
        key = (normalise_text(query.text), canonical_call(query.call, tools, rules))
        group = groups.setdefault(key, Group(query, route))
        drawn.counts["usable"] += route == ExampleRoute.SIMPLE
        drawn.counts["distinct"] += route == ExampleRoute.SIMPLE and not group.weight
        group.weight += 1
        group.measuring += measures(query, shares)
    drawn.groups = list(groups.values())
    return drawn


def divide(groups: Sequence[Group], most_of_function: int | None) -> list[DatasetExample]:
    """Train before calibration before test, by the first arrival of a text, whatever calls it got.

    A text none of whose queries may be measured on is for training. Calibration and test count the others only.
    """
    by_text: dict[str, list[Group]] = defaultdict(list)
    for group in groups:
        by_text[normalise_text(group.first.text)].append(group)
    measuring = [text for text, alike in by_text.items() if any(group.measuring for group in alike)]
    test_from = (1 - TEST_SHARE) * len(measuring)
    calibration_from = test_from - CALIBRATION_SHARE * len(measuring)
    tests = set(measuring[math.ceil(test_from) :])
    calibrations = set(measuring[math.ceil(calibration_from) :]) - tests
    examples = []
    for text, alike in by_text.items():
        if text in tests or text in calibrations:
            split = Split.TEST if text in tests else Split.CALIBRATION
            examples += [example_of(group, split, group.measuring) for group in alike if group.measuring]
        else:
            examples += [example_of(group, Split.TRAIN, group.weight) for group in alike]
    return examples if most_of_function is None else _thinned(examples, most_of_function)


def is_usable(query: Query, tools: ToolSet, policy: RoutingPolicy) -> bool:
    """Whether a student may be asked it at all, and its reference call is one that can be made."""
    if query.excluded or (query.context and not policy.allow_context):
        return False
    return not (query.call and tools.problem_with(query.call.name, query.call.arguments))


def asked_a_student(query: Query) -> bool:
    """Whether a student met it, as `labelled_queries` found."""
    return query.asked in ASKED_A_STUDENT  # type: ignore[attr-defined]


def measures(query: Query, shares: AuditShares) -> bool:
    """Whether the teacher's answer to it is known whatever the student that met it made of it."""
    return not asked_a_student(query) or shares.picks(query.pk)


def _labelled_queries(application: Application, choices: BuildChoices) -> QuerySet[Query]:
    queries = labelled_queries(application)
    return queries.filter(pk__gte=first_id(choices.since)) if choices.since else queries


def labelled_queries(application: Application) -> QuerySet[Query]:
    """Those with a reference call or none, the oldest first, with their cluster and the route on which they went."""
    queries = Query.objects.filter(application=application, labelled=True).exclude(tool_set=None)
    queries = queries.annotate(cluster_id=F("pattern__cluster_id"), asked=F("decision__route"))
    return queries.only(*FIELDS).order_by("id")


def _reported(queries: QuerySet[Query], report: Report) -> Iterator[Query]:
    """The queries one by one, with a report at each batch."""
    total = queries.count()
    for number, query in enumerate(queries.iterator(chunk_size=BATCH)):
        if number % BATCH == 0:
            report("Reading the traffic", number / max(total, 1), f"{number:,} of {total:,} queries")
        yield query


def route_of(query: Query, approved: bool, choices: BuildChoices) -> ExampleRoute:
    if query.several_calls or query.function in choices.without_functions:
        return ExampleRoute.COMPLEX
    if not query.function:
        return ExampleRoute.NO_CALL
    return ExampleRoute.SIMPLE if approved or query.corrected else ExampleRoute.COMPLEX


def _thinned(examples: Sequence[DatasetExample], most: int) -> list[DatasetExample]:
    """At most so many training examples call the same function: evenly spread over time."""
    members: dict[str, list[DatasetExample]] = defaultdict(list)
    for example in examples:
        if example.split == Split.TRAIN and example.route == ExampleRoute.SIMPLE:
            members[example.function].append(example)
    dropped: set[int] = set()
    for alike in members.values():
        if len(alike) > most:
            kept = {place * len(alike) // most for place in range(most)}
            dropped |= {id(example) for place, example in enumerate(alike) if place not in kept}
    return [example for example in examples if id(example) not in dropped]


def example_of(group: Group, split: Split, weight: int) -> DatasetExample:
    query = group.first
    return DatasetExample(
        split=split,
        route=group.route,
        query_id=query.pk,
        text=query.text,
        function=query.function,
        arguments=query.arguments,
        weight=weight,
    )
