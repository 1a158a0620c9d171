"""Tool sets: the functions that an application offers to its model, read from OpenAI's `tools` list."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from referencing.exceptions import Unresolvable
from referencing.jsonschema import EMPTY_REGISTRY


class ToolSetError(ValueError):
    """The `tools` list is not what OpenAI's chat completions API accepts; the message says where."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a function, as far as a student needs to know its schema."""

    name: str
    types: frozenset[str]
    enum: tuple[Any, ...] | None
    required: bool

    @property
    def accepts_list(self) -> bool:
        return "array" in self.types

    @property
    def is_number(self) -> bool:
        return bool(self.types & {"number", "integer"})


@dataclass(frozen=True)
class Function:
    """One function with the parameters in the order of its schema."""

    name: str
    description: str
    parameters: Mapping[str, Parameter]
    schema: Mapping[str, Any] = field(repr=False)

    @cached_property
    def validator(self) -> Draft202012Validator:
        # An empty registry: a schema that a client sent must not make us fetch anything.
        return Draft202012Validator(dict(self.schema), registry=EMPTY_REGISTRY)


@dataclass(frozen=True)
class ToolSet:
    """All functions offered with a request. `sha256` identifies the version."""

    functions: Mapping[str, Function]
    sha256: str

    def problem_with(self, name: str, arguments: Mapping[str, Any]) -> str | None:
        """Why this call does not validate against the tool set, in one sentence; None if it does."""
        function = self.functions.get(name)
        if function is None:
            return f"The tool set has no function {name!r}."
        try:
            error = next(iter(function.validator.iter_errors(dict(arguments))), None)
        except Unresolvable as missing:
            return f"The schema of {name} refers to {missing.ref!r}, which is not in it."
        if error is None:
            return None
        where = ".".join(str(part) for part in error.absolute_path)
        return f"{name}: {f'{where}: ' if where else ''}{error.message}"


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no white space: equal values give equal text."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def hash_tools(tools: list[dict[str, Any]]) -> str:
    """SHA-256 of the canonical JSON of a `tools` list, the order of the tools left out of account."""
    ordered = sorted(tools, key=canonical_json)
    return hashlib.sha256(canonical_json(ordered).encode("utf-8", "surrogatepass")).hexdigest()


def hash_functions(tools: Sequence[Any]) -> dict[str, str]:
    """By name of a function, the SHA-256 of the canonical JSON of its whole tool.

    Left out is what is no function with a name, and a name that stands twice.
    """
    named = [(name, tool) for tool in tools if (name := _name_of(tool))]
    times = Counter(name for name, _ in named)
    return {
        name: hashlib.sha256(canonical_json(tool).encode("utf-8", "surrogatepass")).hexdigest()
        for name, tool in named
        if times[name] == 1
    }


def _name_of(tool: Any) -> str | None:
    body = tool.get("function") if isinstance(tool, dict) and tool.get("type") == "function" else None
    name = body.get("name") if isinstance(body, dict) else None
    return name if isinstance(name, str) and name else None


def parse_tools(tools: Any) -> ToolSet:
    """Read a `tools` list.

    Raises:
        ToolSetError: something in it is not a function with a valid JSON Schema.
    """
    if not isinstance(tools, list) or not tools:
        raise ToolSetError("`tools` must be a list with at least one function.")
    functions = [_parse_function(tool, position) for position, tool in enumerate(tools)]
    names = [function.name for function in functions]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated:
        raise ToolSetError(f"The function {repeated!r} stands twice in `tools`.")
    return ToolSet({function.name: function for function in functions}, hash_tools(tools))


def _parse_function(tool: Any, position: int) -> Function:
    name = _name_of(tool)
    if name is None:
        raise ToolSetError(f"tools[{position}] is not a function with a name.")
    body = tool["function"]
    schema = body.get("parameters") or {"type": "object", "properties": {}}
    if not isinstance(schema, dict):
        raise ToolSetError(f"The parameters of {name!r} are not a JSON Schema.")
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise ToolSetError(f"The parameters of {name!r} are not a JSON Schema: {error.message}") from error
    required = set(schema.get("required", ()))
    parameters = {
        name: _parse_parameter(name, spec, name in required) for name, spec in schema.get("properties", {}).items()
    }
    return Function(name, str(body.get("description") or ""), parameters, schema)


def _parse_parameter(name: str, spec: Any, required: bool) -> Parameter:
    """The types and the enumeration of a property; alternatives (`anyOf`, `oneOf`) are united."""
    if not isinstance(spec, dict):  # `true` and `false` are schemas too
        return Parameter(name, frozenset(), None, required)
    alternatives = spec.get("anyOf") or spec.get("oneOf") or [spec]
    types: set[str] = set()
    values: list[Any] = []
    for alternative in alternatives:
        if not isinstance(alternative, dict):
            continue
        declared = alternative.get("type", [])
        types.update([declared] if isinstance(declared, str) else declared)
        items = alternative.get("items")
        enum = alternative.get("enum") or (items.get("enum") if isinstance(items, dict) else None) or []
        values.extend(value for value in enum if value not in values)
    return Parameter(name, frozenset(types), tuple(values) or None, required)
