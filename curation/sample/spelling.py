"""Finding the word that was meant behind one typing error."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

SHORTEST = 4
"""Words with fewer letters are never corrected: too many others are one letter away."""


class Spelling:
    """Words that can be looked up with one letter wrong, missing, added, or two neighbours swapped.

    The index holds each word with each one of its letters left out, so that a look-up costs as many steps as
    the word has letters (the symmetric deletion of SymSpell, Garbe 2012).
    """

    def __init__(self, words: Iterable[str]) -> None:
        self._by_deletion: dict[str, set[str]] = defaultdict(set)
        for word in set(words):
            if len(word) >= SHORTEST:
                for shortened in _deletions(word):
                    self._by_deletion[shortened].add(word)

    def near(self, typed: str) -> set[str]:
        """All words within one edit of what was typed, the word itself left out."""
        if len(typed) < SHORTEST - 1:
            return set()
        found: set[str] = set()
        for shortened in _deletions(typed):
            found.update(self._by_deletion.get(shortened, ()))
        return {word for word in found if word != typed and is_one_edit(word, typed)}


def _deletions(word: str) -> set[str]:
    return {word, *(word[:position] + word[position + 1 :] for position in range(len(word)))}


def is_one_edit(first: str, second: str) -> bool:
    """Whether one insertion, deletion, substitution or swap of neighbours leads from one to the other."""
    if len(first) < len(second):
        first, second = second, first
    start = 0
    while start < len(second) and first[start] == second[start]:
        start += 1
    rest, other = first[start:], second[start:]
    if len(first) == len(second):
        return rest[1:] == other[1:] or (rest[:2] == other[1::-1] and rest[2:] == other[2:])
    return rest[1:] == other
