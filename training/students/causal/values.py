"""The values that a schema allows: which tokens may come next while one is written, and what it is once written."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, Protocol

import numpy as np

from curation.ml.tools import Function, canonical_json
from training.students.causal.text import TextCodec

Kind = Literal["closed", "integer", "number", "string", "json"]
NOT_A_VALUE = "\x00 no value of an enumeration"


class Unwritable(ValueError):
    """The tokens spell no value of this kind."""


@dataclass(frozen=True, slots=True)
class ValueSchema:
    """How the values of a parameter are written. `listed`: as several values, `only_listed`: never as one alone."""

    kind: Kind
    closed: tuple[Any, ...]
    listed: bool
    only_listed: bool
    nullable: bool


def schema_of(function: Function, name: str) -> ValueSchema:
    """Reads the schema of a parameter; what it cannot express is written as JSON text, for the validator to judge."""
    spec = function.schema["properties"][name]
    parts = _parts(spec) if isinstance(spec, dict) else []
    single = {kind for part in parts for kind in _types(part)} - {"null", "array"}
    items = {kind for part in parts if "array" in _types(part) for kind in _item_types(part)}
    nullable = any("null" in _types(part) for part in parts)
    enum = function.parameters[name].enum
    if enum and not _free(function, spec):
        listed = any("array" in _types(part) for part in parts)
        values = tuple(value for value in enum if value is not None)
        return ValueSchema("closed", values, listed, listed and not single, nullable)
    kind, closed = _kind(single | items)
    listed = bool(items) and kind != "json"
    return ValueSchema(kind, closed, listed, listed and not single, nullable)


def _parts(spec: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [part for part in spec.get("anyOf") or spec.get("oneOf") or [spec] if isinstance(part, dict)]


def _types(part: Mapping[str, Any]) -> list[str]:
    declared = part.get("type", [])
    return [declared] if isinstance(declared, str) else list(declared)


def _item_types(part: Mapping[str, Any]) -> list[str]:
    items = part.get("items")
    return _types(items) or ["unknown"] if isinstance(items, dict) else ["unknown"]


def _free(function: Function, spec: Any) -> bool:
    """Whether other values than those of its enumerations would do."""
    validator = function.validator.evolve(schema=spec)
    return validator.is_valid(NOT_A_VALUE) or validator.is_valid([NOT_A_VALUE])


def _kind(types: set[str]) -> tuple[Kind, tuple[Any, ...]]:
    if types == {"boolean"}:
        return "closed", (True, False)
    if types == {"integer"}:
        return "integer", ()
    if types and types <= {"integer", "number"}:
        return "number", ()
    return ("string", ()) if types and types <= {"string", "integer", "number"} else ("json", ())


class Writer(Protocol):
    """The values of one kind."""

    def next_tokens(self, written: tuple[int, ...]) -> tuple[np.ndarray, bool]:
        """The tokens of text that may follow what is written, ascending, and whether the value may end here."""
        ...

    def value_of(self, written: Sequence[int]) -> Any:
        """Raises Unwritable."""
        ...


class ClosedWriter:
    """One of a few values: a trie of their tokens."""

    def __init__(self, values: Sequence[Any], codec: TextCodec) -> None:
        self._values: dict[tuple[int, ...], Any] = {}
        following: dict[tuple[int, ...], set[int]] = defaultdict(set)
        for value in values:
            tokens = tuple(codec.encode(text_of(value)))
            self._values.setdefault(tokens, value)
            for place, token in enumerate(tokens):
                following[tokens[:place]].add(token)
        self._following = {path: np.array(sorted(tokens)) for path, tokens in following.items()}

    def next_tokens(self, written: tuple[int, ...]) -> tuple[np.ndarray, bool]:
        return self._following.get(written, np.array([], dtype=np.int64)), written in self._values

    def value_of(self, written: Sequence[int]) -> Any:
        return self._values[tuple(written)]


class NumberWriter:
    """A number as JSON writes it, without exponent."""

    def __init__(self, codec: TextCodec, *, whole: bool) -> None:
        fraction = ("", "") if whole else (r"(\.\d*)?", r"(\.\d+)?")
        self._begun = re.compile(rf" ?-?((0|[1-9]\d*){fraction[0]})?")
        self._ended = re.compile(rf" ?-?(0|[1-9]\d*){fraction[1]}")
        self._codec = codec
        texts = ((int(token), codec.decode([int(token)])) for token in codec.plain)
        self._digits = [token for token, text in texts if re.fullmatch(r" ?[-.\d]*", text, re.ASCII)]
        self.next_tokens = lru_cache(maxsize=4096)(self._next_tokens)

    def _next_tokens(self, written: tuple[int, ...]) -> tuple[np.ndarray, bool]:
        text = self._codec.decode(written)
        longer = ((token, self._codec.decode((*written, token))) for token in self._digits)
        tokens = [token for token, now in longer if now != text and self._begun.fullmatch(now)]
        return np.array(tokens, dtype=np.int64), bool(self._ended.fullmatch(text))

    def value_of(self, written: Sequence[int]) -> Any:
        return json.loads(self._codec.decode(written))


class TextWriter:
    """Any text, or any JSON."""

    def __init__(self, codec: TextCodec, *, as_json: bool) -> None:
        self._codec = codec
        self._as_json = as_json

    def next_tokens(self, written: tuple[int, ...]) -> tuple[np.ndarray, bool]:
        return self._codec.plain, bool(written)

    def value_of(self, written: Sequence[int]) -> Any:
        text = self._codec.decode(written).strip()
        if not text:
            raise Unwritable("a value is empty")
        return _parsed(text) if self._as_json else text


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except ValueError as error:
        raise Unwritable("a value is not JSON") from error


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def text_of(value: Any) -> str:
    """A value as it is written in the answer."""
    return value if isinstance(value, str) else canonical_json(value)


class Writers:
    """The writer of each value schema; those of numbers and texts are shared."""

    def __init__(self, codec: TextCodec) -> None:
        self._codec = codec
        self._shared: dict[str, Writer] = {}

    def of(self, schema: ValueSchema) -> Writer:
        if schema.kind == "closed":
            return ClosedWriter(schema.closed, self._codec)
        if schema.kind not in self._shared:
            self._shared[schema.kind] = self._new(schema.kind)
        return self._shared[schema.kind]

    def _new(self, kind: Kind) -> Writer:
        if kind in ("integer", "number"):
            return NumberWriter(self._codec, whole=kind == "integer")
        return TextWriter(self._codec, as_json=kind == "json")
