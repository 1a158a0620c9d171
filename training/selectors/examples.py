"""Dataset rows as the records that students learn from and are held against."""

from __future__ import annotations

from collections.abc import Iterable

from training.models import Dataset, DatasetExample
from training.models.datasets import ExampleRoute, Split
from training.students.base import Example, Route

_ROUTES: dict[str, Route] = {
    ExampleRoute.SIMPLE: "simple",
    ExampleRoute.COMPLEX: "complex",
    ExampleRoute.NO_CALL: "no_call",
}


def examples_of(dataset: Dataset, split: Split) -> list[Example]:
    """The examples of one split, in their order in the dataset."""
    return as_examples(dataset.examples.filter(split=split))


def as_examples(rows: Iterable[DatasetExample]) -> list[Example]:
    return [
        Example(id=str(row.pk), query=row.text, call=row.call, route=_ROUTES[row.route], weight=row.weight)
        for row in rows
    ]
