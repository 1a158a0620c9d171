"""Calls, and when two of them are the same: the one place that decides it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from curation.ml.tools import ToolSet, canonical_json


@dataclass(frozen=True, slots=True)
class Call:
    """A function name and its arguments (JSON values). *No call* is written `None`."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "arguments": self.arguments}


@dataclass(frozen=True, slots=True)
class ComparisonRules:
    """Parameters that an application compares in its own way, each as (function, parameter)."""

    ignored: frozenset[tuple[str, str]] = frozenset()
    exact: frozenset[tuple[str, str]] = frozenset()


DEFAULT_RULES = ComparisonRules()


def same_call(
    first: Call | None, second: Call | None, tools: ToolSet | None = None, rules: ComparisonRules = DEFAULT_RULES
) -> bool:
    """Whether two calls are the same: function, set of parameters, values.

    The order of arguments and inside a list does not count, nor letter case and surrounding or repeated
    white space in a string. Where the schema says number or integer, 5, 5.0 and "5" are the same.
    No call equals only no call.
    """
    return canonical_call(first, tools, rules) == canonical_call(second, tools, rules)


def canonical_call(call: Call | None, tools: ToolSet | None = None, rules: ComparisonRules = DEFAULT_RULES) -> Hashable:
    """A value that is equal for, and only for, calls that are the same."""
    if call is None:
        return None
    arguments = {
        name: canonical_json(value)
        if (call.name, name) in rules.exact
        else _canonical_value(value, is_number=_is_number(tools, call.name, name))
        for name, value in call.arguments.items()
        if (call.name, name) not in rules.ignored
    }
    return call.name, frozenset(arguments.items())


def normalise_text(text: str) -> str:
    """Lower case (Unicode case folding), one space between words, none around."""
    return " ".join(text.casefold().split())


def _is_number(tools: ToolSet | None, function: str, parameter: str) -> bool:
    known = tools.functions.get(function) if tools else None
    found = known.parameters.get(parameter) if known else None
    return bool(found and found.is_number)


def _canonical_value(value: Any, *, is_number: bool) -> Hashable:
    if isinstance(value, bool) or value is None:
        return (type(value).__name__, value)
    if isinstance(value, int | float):
        return ("number", float(value))
    if isinstance(value, str):
        return _canonical_string(value, is_number=is_number)
    if isinstance(value, list):
        items = [_canonical_value(item, is_number=is_number) for item in value]
        return ("list", tuple(sorted(items, key=repr)))
    if isinstance(value, Mapping):
        pairs = ((key, _canonical_value(item, is_number=is_number)) for key, item in value.items())
        return ("object", frozenset(pairs))
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def _canonical_string(value: str, *, is_number: bool) -> Hashable:
    if is_number:
        try:
            return ("number", float(value))
        except ValueError:
            pass
    return ("string", normalise_text(value))
