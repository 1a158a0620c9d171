"""Which queries become the examples of a dataset, and in which split each stands."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field

from django.db.models import F, QuerySet

from curation.identifiers import first_id
from curation.ml.calls import canonical_call, normalise_text
from curation.models import Application, Query, ToolSetVersion
from curation.services.jobs import Report
from training.models import DatasetExample
from training.models.build_choices import CALIBRATION_SHARE, TEST_SHARE, BuildChoices
from training.models.datasets import ExampleRoute, Split
from training.services.policies import policy_of

BATCH = 2000
FIELDS = ("text", "function", "arguments", "several_calls", "corrected", "excluded", "context")


@dataclass(slots=True)
class Group:
    """All queries with the same text (up to case and white space) and the same reference call."""

    first: Query
    route: ExampleRoute
    weight: int = 0


@dataclass(slots=True)
class Drawn:
    """Distinct queries in the order of their first arrival, and how many queries came to each step of the funnel."""

    groups: list[Group] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def simple(self) -> int:
        return sum(group.route == ExampleRoute.SIMPLE for group in self.groups)


def draw(
    application: Application, tool_set: ToolSetVersion, clusters: set[int], choices: BuildChoices, report: Report
) -> Drawn:
    """Group the traffic by text and call. `clusters` are those whose queries a student shall answer."""
    rules, tools = application.comparison_rules, tool_set.tool_set
    allow_context = policy_of(application).allow_context
    groups: dict[Hashable, Group] = {}
    drawn = Drawn()
    for query in _reported(_labelled_queries(application, tool_set, choices), report):
        approved = query.cluster_id in clusters  # type: ignore[attr-defined]
        drawn.counts["received"] += 1
        drawn.counts["in approved clusters"] += approved
        if query.excluded or (query.context and not allow_context):
            continue
        call = query.call
        if call and tools.problem_with(call.name, call.arguments):
            continue
        route = _route(query, approved, choices)
        key = (normalise_text(query.text), canonical_call(call, tools, rules))
        group = groups.setdefault(key, Group(query, route))
        drawn.counts["usable"] += route == ExampleRoute.SIMPLE
        drawn.counts["distinct"] += route == ExampleRoute.SIMPLE and not group.weight
        group.weight += 1
    drawn.groups = list(groups.values())
    return drawn


def divide(groups: Sequence[Group], most_of_function: int | None) -> list[DatasetExample]:
    """Train before calibration before test, by the first arrival of a text, whatever calls it got."""
    by_text: dict[str, list[Group]] = defaultdict(list)
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
    return examples if most_of_function is None else _thinned(examples, most_of_function)


def _labelled_queries(application: Application, tool_set: ToolSetVersion, choices: BuildChoices) -> QuerySet[Query]:
    queries = Query.objects.filter(application=application, labelled=True, tool_set=tool_set)
    if choices.since:
        queries = queries.filter(pk__gte=first_id(choices.since))
    return queries.annotate(cluster_id=F("pattern__cluster_id")).only(*FIELDS).order_by("id")


def _reported(queries: QuerySet[Query], report: Report) -> Iterator[Query]:
    """The queries one by one, with a report at each batch."""
    total = queries.count()
    for number, query in enumerate(queries.iterator(chunk_size=BATCH)):
        if number % BATCH == 0:
            report("Reading the traffic", number / max(total, 1), f"{number:,} of {total:,} queries")
        yield query


def _route(query: Query, approved: bool, choices: BuildChoices) -> ExampleRoute:
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


def _example(group: Group, split: Split) -> DatasetExample:
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
