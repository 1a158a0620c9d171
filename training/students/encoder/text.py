"""Queries as the encoder reads them: word pieces, letter case, and where each word stands in the text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from tokenizers import Tokenizer

Casing = Literal["lower", "capitalised", "upper", "mixed", "digits", "symbol"]
CASINGS: tuple[Casing, ...] = ("lower", "capitalised", "upper", "mixed", "digits", "symbol")


@dataclass(frozen=True, slots=True)
class EncodedQuery:
    """One query as arrays. `pieces` and `casings` have one entry per word piece, the two marks included.

    `first_pieces[i]` is the position in `pieces` at which word i begins; `words[i]` its start and end in the text.
    """

    text: str
    pieces: np.ndarray
    casings: np.ndarray
    first_pieces: np.ndarray
    words: list[tuple[int, int]]
    unknown_words: int

    def cut(self, first: int, last: int) -> str:
        """The text from the start of word `first` to the end of word `last`."""
        return self.text[self.words[first][0] : self.words[last][1]]


class QueryEncoder:
    """Turns queries into arrays. Thread-safe."""

    def __init__(self, tokenizer: Tokenizer, max_tokens: int) -> None:
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._tokenizer = tokenizer
        self._unknown = tokenizer.token_to_id("[UNK]")
        start, end = tokenizer.encode("").ids
        self.marks: tuple[int, int] = (start, end)
        self.max_tokens = max_tokens

    @classmethod
    def from_file(cls, path: Path, max_tokens: int) -> QueryEncoder:
        return cls(Tokenizer.from_file(str(path)), max_tokens)

    def save(self, path: Path) -> None:
        self._tokenizer.save(str(path))

    def __call__(self, text: str) -> EncodedQuery | None:
        """The query as arrays; None when it has no word, more than `max_tokens` pieces, or half a surrogate pair."""
        longest = self.max_tokens * 40
        if len(text) > longest or not (text.isascii() or _has_whole_letters(text)):
            return None
        encoding = self._tokenizer.encode(text)
        if not 2 < len(encoding.ids) <= self.max_tokens:
            return None
        return _with_words(text, encoding.ids, encoding.word_ids, encoding.offsets, self._unknown)


def _has_whole_letters(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _with_words(
    text: str,
    pieces: list[int],
    word_ids: list[int | None],
    offsets: list[tuple[int, int]],
    unknown: int | None,
) -> EncodedQuery:
    words: list[tuple[int, int]] = []
    firsts: list[int] = []
    casings = np.zeros(len(pieces), dtype=np.int64)
    previous: int | None = None
    for position, (word, (start, end)) in enumerate(zip(word_ids, offsets, strict=True)):
        if word is None:
            continue
        if word == previous:
            words[-1] = (words[-1][0], end)
        else:
            words.append((start, end))
            firsts.append(position)
        previous = word
    ends = [*firsts[1:], len(pieces) - 1]
    for (start, end), first, last in zip(words, firsts, ends, strict=True):
        casings[first:last] = CASINGS.index(casing_of(text[start:end]))
    unknown_words = sum(piece == unknown for piece in pieces)
    return EncodedQuery(
        text, np.array(pieces, dtype=np.int64), casings, np.array(firsts, dtype=np.int64), words, unknown_words
    )


def casing_of(word: str) -> Casing:
    """How a word is written: MiniLM itself reads lower case only, but names often begin with a capital."""
    if any(letter.isdigit() for letter in word):
        return "digits"
    if not any(letter.isalpha() for letter in word):
        return "symbol"
    if word == word.lower():
        return "lower"
    if word[:1].isupper() and word[1:] == word[1:].lower():
        return "capitalised"
    return "upper" if word == word.upper() else "mixed"
