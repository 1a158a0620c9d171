"""What a student can say: the answers, tags and values that are learned from the training examples."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from curation.ml.calls import Call
from curation.ml.tools import ToolSet, canonical_json
from training.students.base import Example
from training.students.encoder.spans import stands_in

COMPLEX = "<complex>"
NO_CALL = "<no_call>"
SPANNED_SHARE = 0.95


@dataclass(frozen=True, slots=True)
class ClosedParameter:
    """A parameter with few distinct values, chosen rather than found. `values[0]` stands for its absence."""

    function: str
    name: str
    values: tuple[Any, ...]
    offset: int

    @property
    def end(self) -> int:
        return self.offset + len(self.values)


@dataclass(frozen=True)
class LabelSpace:
    """Answers are the functions, then `<complex>` and `<no_call>`. Tags are O, then B and I of each parameter.

    `spanned` maps each function to its spanned parameters, as indices into `parameters`.
    """

    functions: tuple[str, ...]
    parameters: tuple[str, ...]
    spanned: dict[str, tuple[int, ...]]
    closed: tuple[ClosedParameter, ...] = ()
    closed_of: dict[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def answers(self) -> tuple[str, ...]:
        return (*self.functions, COMPLEX, NO_CALL)

    @property
    def tag_count(self) -> int:
        return 1 + 2 * len(self.parameters)

    @property
    def value_count(self) -> int:
        return self.closed[-1].end if self.closed else 0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> LabelSpace:
        closed = tuple(ClosedParameter(**{**item, "values": tuple(item["values"])}) for item in data["closed"])
        return cls(
            functions=tuple(data["functions"]),
            parameters=tuple(data["parameters"]),
            spanned={name: tuple(indices) for name, indices in data["spanned"].items()},
            closed=closed,
            closed_of={name: tuple(indices) for name, indices in data["closed_of"].items()},
        )


def learn_labels(examples: Sequence[Example], tools: ToolSet, closed_values: int) -> LabelSpace:
    """The label space of the simple examples.

    A parameter is *spanned* where nearly all of its values stand in the text, else *closed* where it has at most
    `closed_values` distinct ones, else open: then it counts as spanned, and examples whose value cannot be found
    are to be refused.
    """
    calls = [(example.query, example.call) for example in examples if example.route == "simple" and example.call]
    functions = sorted({call.name for _, call in calls} & set(tools.functions))
    values = _values_by_parameter([(query, call) for query, call in calls if call.name in functions])
    closed = [key for key, seen in sorted(values.items()) if _is_closed(seen, closed_values)]
    names = sorted({name for function, name in values if (function, name) not in closed})
    position = {name: index for index, name in enumerate(names)}
    spanned = {
        function: tuple(
            sorted(
                position[name]
                for owner, name in values
                if owner == function and name in position and (owner, name) not in closed
            )
        )
        for function in functions
    }
    heads = _closed_parameters(closed, values)
    closed_of = {
        function: tuple(index for index, head in enumerate(heads) if head.function == function)
        for function in functions
    }
    return LabelSpace(tuple(functions), tuple(names), spanned, heads, closed_of)


@dataclass(slots=True)
class _Seen:
    total: int = 0
    in_text: int = 0
    values: Counter[str] = field(default_factory=Counter)


def _values_by_parameter(calls: list[tuple[str, Call]]) -> dict[tuple[str, str], _Seen]:
    found: dict[tuple[str, str], _Seen] = defaultdict(_Seen)
    for query, call in calls:
        for name, value in call.arguments.items():
            seen = found[call.name, name]
            seen.total += 1
            seen.in_text += stands_in(value, query)
            seen.values[canonical_json(value)] += 1
    return found


def _is_closed(seen: _Seen, closed_values: int) -> bool:
    return seen.in_text < SPANNED_SHARE * seen.total and len(seen.values) <= closed_values


def _closed_parameters(
    keys: list[tuple[str, str]], values: dict[tuple[str, str], _Seen]
) -> tuple[ClosedParameter, ...]:
    heads: list[ClosedParameter] = []
    for function, name in keys:
        known = tuple(json.loads(value) for value in sorted(values[function, name].values))
        offset = heads[-1].end if heads else 0
        heads.append(ClosedParameter(function, name, (None, *known), offset))
    return tuple(heads)
