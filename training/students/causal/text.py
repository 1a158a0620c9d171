"""Queries and values as the base model's tokens."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer


class TextCodec:
    """A fast tokenizer of Hugging Face. Thread-safe.

    Values are written with a blank before them, so that they are split as they are inside a query.
    """

    def __init__(self, tokenizer: Tokenizer, start: int | None) -> None:
        tokenizer.no_padding()
        tokenizer.no_truncation()
        tokenizer.encode_special_tokens = True  # a query that spells a mark of the base model is text like any other
        self._tokenizer = tokenizer
        self.start = start

    @classmethod
    def from_file(cls, path: Path, start: int | None) -> TextCodec:
        return cls(Tokenizer.from_file(str(path)), start)

    def save(self, path: Path) -> None:
        self._tokenizer.save(str(path))

    def query(self, text: str, max_tokens: int) -> list[int] | None:
        """The query's tokens; None when it has none or more than `max_tokens`."""
        if not text.strip() or len(text) > max_tokens * 40:
            return None
        tokens = self.encode(text)
        return tokens if len(tokens) <= max_tokens else None

    def encode(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(f" {text.strip()}", add_special_tokens=False).ids)

    def decode(self, tokens: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(list(tokens))
        return text

    @cached_property
    def plain(self) -> np.ndarray:
        """The ids that text is made of: all but the special ones, ascending."""
        special = {token for token, added in self._tokenizer.get_added_tokens_decoder().items() if added.special}
        return np.array(sorted(set(self._tokenizer.get_vocab().values()) - special), dtype=np.int64)
