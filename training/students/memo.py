"""The memo: queries that came again and again and were always answered with the same call."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from curation.ml.calls import Call, canonical_call, normalise_text
from curation.ml.tools import ToolSet
from training.students.base import Example

LEAST_SEEN = 3


class Memo:
    """Calls by normalised query. A look-up takes microseconds."""

    def __init__(self, calls: Mapping[str, Call]) -> None:
        self._calls = dict(calls)

    def __len__(self) -> int:
        return len(self._calls)

    def lookup(self, query: str) -> Call | None:
        return self._calls.get(normalise_text(query))

    def save(self, path: Path) -> None:
        path.write_text(json.dumps({query: call.as_json() for query, call in sorted(self._calls.items())}))

    @classmethod
    def load(cls, path: Path) -> Memo:
        stored: dict[str, dict[str, Any]] = json.loads(path.read_text())
        return cls({query: Call(call["name"], call["arguments"]) for query, call in stored.items()})


def build_memo(examples: Iterable[Example], tools: ToolSet) -> Memo:
    """Queries seen at least three times (by weight), always simple and always with the same, valid call."""
    seen: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        seen[normalise_text(example.query)].append(example)
    return Memo({query: group[0].call for query, group in seen.items() if group[0].call and _admitted(group, tools)})


def _admitted(group: list[Example], tools: ToolSet) -> bool:
    first = group[0].call
    if first is None or any(example.route != "simple" for example in group):
        return False
    if len({canonical_call(example.call, tools) for example in group}) > 1:
        return False
    return sum(example.weight for example in group) >= LEAST_SEEN and not tools.problem_with(
        first.name, first.arguments
    )
