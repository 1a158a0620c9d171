"""The traffic that a mining run looks at, arranged by distinct text and by pattern."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from curation.ml.calls import Call, canonical_call, normalise_text
from curation.ml.patterns import ParameterUse, Pattern, delexicalise, parameter_kinds, value_texts

NO_CALL = ""
"""The label of a query that the teacher answered with text."""
SEVERAL = "*"
"""The label of a query that the teacher answered with several calls. Neither can be a function's name."""

Canonical = Callable[[Call | None], Hashable]


@dataclass(frozen=True, slots=True)
class Observation:
    """A query with its reference call.

    `call` is None for no call; for several calls it is the first. `has_context`: earlier turns came with the query.
    `latency_ms` is the teacher's; `at` is seconds since the epoch.
    """

    query_id: str
    text: str
    call: Call | None
    several_calls: bool = False
    has_context: bool = False
    latency_ms: float | None = None
    at: float = 0.0

    @property
    def label(self) -> str:
        """The function that the teacher chose, `NO_CALL` or `SEVERAL`."""
        if self.several_calls:
            return SEVERAL
        return self.call.name if self.call else NO_CALL


@dataclass(frozen=True, slots=True)
class DistinctText:
    """A text as it first came, with the positions of its queries and the choice the teacher made most often."""

    text: str
    positions: tuple[int, ...]
    usual: int
    """The position of a query with the teacher's most frequent choice."""


class Traffic:
    """Observations with what follows from them; all arrays have one entry per observation unless said otherwise."""

    def __init__(self, observations: Sequence[Observation], canonical: Canonical = canonical_call) -> None:
        self.observations = observations
        self.patterns: list[Pattern] = [delexicalise(seen.text, seen.call) for seen in observations]
        self.labels = np.array([seen.label for seen in observations], dtype=object)
        self.choices: list[Hashable] = [
            SEVERAL if seen.several_calls else canonical(seen.call) for seen in observations
        ]
        keys = [pattern.key for pattern in self.patterns]
        self.keys: list[str] = list(dict.fromkeys(keys))
        index = {key: position for position, key in enumerate(self.keys)}
        self.pattern_of = np.array([index[key] for key in keys], dtype=int)

    @cached_property
    def templates(self) -> list[str]:
        """Of each distinct pattern, the template as it first came."""
        first = {pattern.key: pattern.template for pattern in reversed(self.patterns)}
        return [first[key] for key in self.keys]

    @cached_property
    def first_query(self) -> list[str]:
        """Of each distinct pattern, the id of the query in which it first came."""
        pairs = zip(reversed(self.pattern_of.tolist()), reversed(self.observations), strict=True)
        first = {pattern: seen.query_id for pattern, seen in pairs}
        return [first[pattern] for pattern in range(len(self.keys))]

    @cached_property
    def counts(self) -> np.ndarray:
        """Queries of each distinct pattern."""
        return np.bincount(self.pattern_of, minlength=len(self.keys))

    @cached_property
    def pattern_labels(self) -> list[str]:
        """The label that most queries of each distinct pattern have; the first seen on a tie."""
        seen: list[Counter[str]] = [Counter() for _ in self.keys]
        for pattern, label in zip(self.pattern_of, self.labels, strict=True):
            seen[pattern][label] += 1
        return [counter.most_common(1)[0][0] for counter in seen]

    @cached_property
    def texts(self) -> list[DistinctText]:
        """Texts that differ in more than case and white space."""
        places: dict[str, list[int]] = defaultdict(list)
        for position, seen in enumerate(self.observations):
            places[normalise_text(seen.text)].append(position)
        return [self._distinct(positions) for positions in places.values()]

    @cached_property
    def text_of(self) -> np.ndarray:
        """The index in `texts` of each observation."""
        indices = np.zeros(len(self.observations), dtype=int)
        for index, text in enumerate(self.texts):
            indices[list(text.positions)] = index
        return indices

    @cached_property
    def kinds(self) -> dict[tuple[str, str], ParameterUse]:
        return parameter_kinds((seen.text, seen.call) for seen in self.observations)

    @cached_property
    def time_order(self) -> np.ndarray:
        """Positions from the earliest to the latest; in the order given where the times are equal."""
        return np.argsort([seen.at for seen in self.observations], kind="stable")

    def known_values(self) -> dict[str, dict[str, set[str]]]:
        """Of each function, the folded words that stood in texts as values, with their parameters."""
        known: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for seen, pattern in zip(self.observations, self.patterns, strict=True):
            for span in pattern.spans:
                known[seen.label][normalise_text(seen.text[span.start : span.end])].add(span.parameter)
        return known

    def reachable(self, position: int) -> tuple[int, int]:
        """How many argument values of a query a student could produce, and how many there are."""
        seen, pattern = self.observations[position], self.patterns[position]
        if seen.call is None:
            return 0, 0
        within = total = 0
        for parameter, value in seen.call.arguments.items():
            count = len(value_texts(value))
            can = parameter not in pattern.missing or self.kinds[seen.call.name, parameter].kind == "closed"
            within, total = within + count * can, total + count
        return within, total

    def _distinct(self, positions: list[int]) -> DistinctText:
        usual = Counter(self.choices[position] for position in positions).most_common(1)[0][0]
        at = next(position for position in positions if self.choices[position] == usual)
        return DistinctText(self.observations[positions[0]].text, tuple(positions), at)
