"""What can be stored: PostgreSQL takes neither every string nor every number that JSON can write."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

LARGEST_INTEGER = 2**63 - 1
DEEPEST = 64
"""Levels of nesting."""


def problem_with_value(value: Any) -> str | None:
    """Why a JSON value cannot be stored, in a few words; None if it can."""
    return next(_problems(value, 0), None)


def problem_with_text(text: str) -> str | None:
    """Why a string cannot be stored, in a few words; None if it can."""
    if "\x00" in text:
        return "NUL character"
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        return "half a surrogate pair"
    return None


def _problems(value: Any, depth: int) -> Iterator[str]:
    if depth > DEEPEST:
        yield "nested too deeply"
    elif isinstance(value, str):
        if problem := problem_with_text(value):
            yield problem
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _problems(key, depth + 1)
            yield from _problems(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _problems(item, depth + 1)
    elif (isinstance(value, int) and abs(value) > LARGEST_INTEGER) or (
        isinstance(value, float) and not math.isfinite(value)
    ):
        yield "number too large"
