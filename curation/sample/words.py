"""Text as a list of words that can be compared whatever their case, accents and punctuation."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path
from typing import NamedTuple

_BETWEEN_WORDS = re.compile(r"[^\s,;!?()\"…]+")
_AROUND_WORDS = ".:'’-%"
_LISTS: dict[str, list[str]] = json.loads((Path(__file__).parent / "data" / "words.json").read_text("utf-8"))


class Word(NamedTuple):
    """A word of a text: its folded form and where it stands."""

    folded: str
    start: int
    end: int


def split_words(text: str) -> list[Word]:
    """The words of a text, without the punctuation around them."""
    words = []
    for found in _BETWEEN_WORDS.finditer(text):
        written = found.group()
        start = found.start() + len(written) - len(written.lstrip(_AROUND_WORDS))
        folded = fold(written)
        if folded:
            words.append(Word(folded, start, start + len(written.strip(_AROUND_WORDS))))
    return words


def fold(written: str) -> str:
    """Letters and digits only, lower case, without accents; a lone ampersand is the word *and*."""
    if written == "&":
        return "and"
    return "".join(letter for letter in strip_accents(written).casefold() if letter.isalnum())


def fold_name(name: str) -> str:
    """One key for all spellings of a name: `AC/DC`, `ac dc` and `ACDC` have the same."""
    return "".join(word.folded for word in split_words(name))


def strip_accents(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def word_list(name: str) -> frozenset[str]:
    """A list of folded words: *binding*, *separating*, *question* or *command*."""
    return frozenset(_LISTS[name])
