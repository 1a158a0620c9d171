"""The tokens that a base model gets: one for each function and parameter name, and a few marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from curation.ml.tools import ToolSet

ANSWER, END, ANOTHER, NOTHING, COMPLEX, NO_CALL = range(6)
MARKS = ("answer", "end", "and another", "nothing", "several requests", "no function")
"""What each mark means in words: where its embedding starts from. `ANSWER` ends the query, `END` the call,
`ANOTHER` comes between the values of one parameter, `NOTHING` is null; the last two refuse."""


@dataclass(frozen=True)
class NewTokens:
    """Ids from `base` on, which no text is ever split into: no query can spell a function's token."""

    base: int
    functions: tuple[str, ...]
    parameters: tuple[str, ...]

    def __len__(self) -> int:
        return len(MARKS) + len(self.functions) + len(self.parameters)

    def mark(self, mark: int) -> int:
        return self.base + mark

    @cached_property
    def function(self) -> Mapping[str, int]:
        return {name: self.base + len(MARKS) + place for place, name in enumerate(self.functions)}

    @cached_property
    def parameter(self) -> Mapping[str, int]:
        first = self.base + len(MARKS) + len(self.functions)
        return {name: first + place for place, name in enumerate(self.parameters)}

    def texts(self, tools: ToolSet) -> list[str]:
        """What each token stands for, in words, in the order of the ids."""
        functions = [_words(name, tools.functions[name].description) for name in self.functions]
        described: dict[str, str] = {}
        for function in self.functions:
            for name, schema in tools.functions[function].schema.get("properties", {}).items():
                said = schema.get("description", "") if isinstance(schema, dict) else ""
                described.setdefault(name, str(said))
        return [*MARKS, *functions, *(_words(name, described[name]) for name in self.parameters)]

    def as_json(self) -> dict[str, Any]:
        return {"base": self.base, "functions": list(self.functions), "parameters": list(self.parameters)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> NewTokens:
        return cls(data["base"], tuple(data["functions"]), tuple(data["parameters"]))


def new_tokens(base: int, functions: Sequence[str], tools: ToolSet) -> NewTokens:
    """Tokens for these functions and all of their parameters."""
    names = dict.fromkeys(name for function in functions for name in tools.functions[function].parameters)
    return NewTokens(base, tuple(functions), tuple(names))


def _words(name: str, description: str) -> str:
    return f"{name.replace('_', ' ')} {description}".strip()
