"""The examples of a dataset, some at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from curation.models import Query
from training.models import Dataset, DatasetExample

EXAMPLES_PER_PAGE = 30


@dataclass(frozen=True, slots=True)
class ExamplesPage:
    """Some examples in the order of their keys; `after` continues the list, None at its end.

    `gone` are the queries that retention has deleted since.
    """

    rows: list[DatasetExample]
    after: int | None
    gone: set[UUID]


def examples_page(
    dataset: Dataset, *, split: str = "", route: str = "", function: str | None = None, text: str = "", after: int = 0
) -> ExamplesPage:
    """The examples behind `after` that fit; `function` None is any, empty *no call*; `text` may stand anywhere."""
    wanted = {"split": split, "route": route}
    rows = dataset.examples.filter(**{name: value for name, value in wanted.items() if value}, pk__gt=after)
    if function is not None:
        rows = rows.filter(function=function)
    if text:
        rows = rows.filter(text__icontains=text)
    found = list(rows[: EXAMPLES_PER_PAGE + 1])
    more = len(found) > EXAMPLES_PER_PAGE
    shown = found[:EXAMPLES_PER_PAGE]
    return ExamplesPage(shown, shown[-1].pk if more else None, queries_gone(shown))


def queries_gone(examples: Iterable[DatasetExample]) -> set[UUID]:
    """Those of the examples' queries that are not there any more."""
    wanted = {example.query_id for example in examples}
    return wanted - set(Query.objects.filter(pk__in=wanted).values_list("pk", flat=True))
