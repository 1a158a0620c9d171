"""The memo: queries that came again and again and were answered with the same call."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from curation.ml.calls import DEFAULT_RULES, Call, ComparisonRules, canonical_call, normalise_text
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


def build_memo(
    examples: Iterable[Example],
    tools: ToolSet,
    rules: ComparisonRules = DEFAULT_RULES,
    *,
    epsilon: float = 0.02,
    least_seen: int = LEAST_SEEN,
) -> Memo:
    """The simple queries, seen at least three times (by weight), that always got the same, valid call.

    A slip of the teacher does not cost a query that came hundreds of times its place: other answers may stand beside
    the usual call where their share is proven, with 95% confidence, to be at most `epsilon`. A call with a parameter
    that is compared exactly is never remembered: texts that differ in letter case are one text here.
    """
    seen: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        seen[normalise_text(example.query)].append(example)
    usual = {text: _usual_call(group, tools, rules, epsilon, least_seen) for text, group in seen.items()}
    return Memo({text: call for text, call in usual.items() if call and _may_remember(call, tools, rules)})


def _usual_call(
    group: Sequence[Example], tools: ToolSet, rules: ComparisonRules, epsilon: float, least_seen: int
) -> Call | None:
    """The call that a text gets; None where it came too rarely, is not simple, or what it gets is not certain."""
    weights: dict[Hashable, float] = defaultdict(float)
    for example in group:
        weights[canonical_call(example.call, tools, rules) if example.route == "simple" else None] += example.weight
    choice, total = max(weights, key=weights.__getitem__), sum(weights.values())
    agreeing = weights[choice]
    if choice is None or total < least_seen:
        return None
    if agreeing < total and not is_rare(round(total - agreeing), round(total), epsilon):
        return None
    return next(example.call for example in group if canonical_call(example.call, tools, rules) == choice)


def is_rare(seen: int, total: int, share: float, confidence: float = 0.95) -> bool:
    """Whether `seen` of `total` prove a share of at most `share`: the Clopper-Pearson bound, without SciPy."""
    log_chances = (
        math.lgamma(total + 1) - math.lgamma(count + 1) - math.lgamma(total - count + 1)
        + count * math.log(share) + (total - count) * math.log1p(-share)
        for count in range(seen + 1)
    )  # fmt: skip
    return sum(map(math.exp, log_chances)) <= 1 - confidence


def _may_remember(call: Call, tools: ToolSet, rules: ComparisonRules) -> bool:
    exact = any((call.name, parameter) in rules.exact for parameter in call.arguments)
    return not exact and tools.problem_with(call.name, call.arguments) is None
