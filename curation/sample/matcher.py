"""Matching the words of a request against all phrasings at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from curation.sample.phrasings import CLOSINGS, OPENINGS, PHRASINGS, Phrasing, is_slot, slot_type
from curation.sample.slots import LONGEST, OPEN, argument, closed_cost, open_cost
from curation.sample.spelling import Spelling
from curation.sample.words import Word, split_words, word_list

MISSPELT_WORD = 1.0
COURTESY_WORD = 0.01
INNER_BY = 4.0
"""A *by* inside an unknown name: rather the one between a song and its artist."""

BINDING_WORDS = word_list("binding")
"""Words that a name outside the catalogue is not believed to consist of or to be joined by."""


@dataclass(frozen=True, slots=True)
class Match:
    """A phrasing found in a text, with the argument for each slot. The lower the cost, the better it fits."""

    cost: float
    phrasing: Phrasing
    values: dict[str, Any]


@dataclass(slots=True)
class _Node:
    """A step in the tree of phrasings: those that begin with the same words share their first steps."""

    literals: dict[str, _Node] = field(default_factory=dict)
    slots: dict[str, _Node] = field(default_factory=dict)
    phrasing: Phrasing | None = None


def _fold_literal(word: str) -> str:
    return split_words(word)[0].folded


def _build_tree(phrasings: Iterable[Phrasing]) -> _Node:
    root = _Node()
    for phrasing in phrasings:
        node = root
        for word in phrasing.words:
            branch, key = (node.slots, word[1:-1]) if is_slot(word) else (node.literals, _fold_literal(word))
            node = branch.setdefault(key, _Node())
        node.phrasing = node.phrasing or phrasing
    return root


_TREE = _build_tree(PHRASINGS)
_LITERALS = Spelling(_fold_literal(word) for p in PHRASINGS for word in p.words if not is_slot(word))
_OPENINGS = [tuple(courtesy.split()) for courtesy in OPENINGS]
_CLOSINGS = [tuple(courtesy.split()) for courtesy in CLOSINGS]


@lru_cache(maxsize=20_000)
def _meant(word: str) -> frozenset[str]:
    return frozenset(_LITERALS.near(word))


def best_match(text: str, words: Sequence[Word]) -> Match | None:
    """The phrasing that fits all of the words best, courtesies around them left out; None if none fits.

    Names of the catalogue are tried first; only where no phrasing fits with those, unknown names are.
    """
    windows = _windows([word.folded for word in words])
    return _Search(text, words, takes_unknown=False).run(windows) or _Search(text, words, takes_unknown=True).run(
        windows
    )


def _windows(folded: list[str]) -> list[tuple[int, int]]:
    """All (start, end) that leave out nothing but courtesies."""
    starts, ends = {0}, {len(folded)}
    for _ in range(2):
        starts |= {at + len(said) for at in starts for said in _OPENINGS if tuple(folded[at : at + len(said)]) == said}
        ends |= {at - len(said) for at in ends for said in _CLOSINGS if tuple(folded[at - len(said) : at]) == said}
    return [(start, end) for start in starts for end in ends if start < end]


class _Search:
    """A depth-first walk through the tree, cut off where it costs more than the best match so far."""

    def __init__(self, text: str, words: Sequence[Word], *, takes_unknown: bool) -> None:
        self.text, self.words, self.takes_unknown = text, words, takes_unknown
        self.best: Match | None = None
        self._costs: dict[tuple[str, int, int], float | None] = {}

    def run(self, windows: list[tuple[int, int]]) -> Match | None:
        for start, end in sorted(windows):
            self.end = end
            self._walk(_TREE, start, COURTESY_WORD * (len(self.words) - end + start), {})
        return self.best

    def _walk(self, node: _Node, at: int, cost: float, spans: dict[str, tuple[int, int]]) -> None:
        if self.best is not None and cost >= self.best.cost:
            return
        if at == self.end:
            if node.phrasing is not None:
                self.best = Match(cost, node.phrasing, self._values(spans))
            return
        self._walk_literals(node, at, cost, spans)
        for slot, following in node.slots.items():
            for end in range(at + 1, min(at + LONGEST, self.end) + 1):
                read = self._slot_cost(slot_type(slot), at, end)
                if read is not None:
                    self._walk(following, end, cost + read, {**spans, slot: (at, end)})

    def _walk_literals(self, node: _Node, at: int, cost: float, spans: dict[str, tuple[int, int]]) -> None:
        word = self.words[at].folded
        if word in node.literals:
            self._walk(node.literals[word], at + 1, cost, spans)
        for meant in sorted(_meant(word)):
            if meant in node.literals:
                self._walk(node.literals[meant], at + 1, cost + MISSPELT_WORD, spans)

    def _slot_cost(self, slot: str, start: int, end: int) -> float | None:
        where = (slot, start, end)
        if where not in self._costs:
            self._costs[where] = self._read(slot, start, end)
        return self._costs[where]

    def _read(self, slot: str, start: int, end: int) -> float | None:
        cost = closed_cost(slot, self._key(start, end))
        if cost is None and self._may_be_name(slot, start, end):
            inner_by = sum(word.folded == "by" for word in self.words[start:end])
            return open_cost(slot, end - start) + INNER_BY * inner_by
        return cost

    def _may_be_name(self, slot: str, start: int, end: int) -> bool:
        if not self.takes_unknown or slot not in OPEN or start == 0:
            return False
        return not any(word.folded in BINDING_WORDS for word in self.words[start:end])

    def _key(self, start: int, end: int) -> str:
        return "".join(word.folded for word in self.words[start:end])

    def _values(self, spans: dict[str, tuple[int, int]]) -> dict[str, Any]:
        return {
            slot: argument(slot_type(slot), self._key(start, end), self.written(start, end))
            for slot, (start, end) in spans.items()
        }

    def written(self, start: int, end: int) -> str:
        return self.text[self.words[start].start : self.words[end - 1].end]
