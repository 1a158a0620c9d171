"""Where the values of a call stand in its query."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from curation.ml.calls import Call
from training.students.encoder.text import EncodedQuery


@dataclass(frozen=True, slots=True)
class Span:
    """Words `first` to `last` (both included) of a query hold a value of `parameter`."""

    parameter: str
    first: int
    last: int


def stands_in(value: Any, query: str) -> bool:
    """Whether the value, or each item of a list, stands in the query as whole words, letter case left aside."""
    texts = texts_of(value)
    return bool(texts) and all(text is not None and bool(_places(text, query)) for text in texts)


def texts_of(value: Any) -> list[str | None]:
    """The value as it would be written in a query, one text per item of a list; None for what is never written."""
    items = value if isinstance(value, list) else [value]
    return [_written(item) for item in items]


def _written(item: Any) -> str | None:
    if isinstance(item, str) and item.strip():
        return item
    if isinstance(item, float):
        return f"{item:.15g}"
    if isinstance(item, int) and not isinstance(item, bool):
        return str(item)
    return None


def align(call: Call, names: set[str], query: EncodedQuery) -> list[Span] | None:
    """The spans of the call's spanned parameters, or None where one of their values cannot be found.

    Longest value first, each word used once, the first free place taken.
    """
    wanted = [(name, text) for name in names & set(call.arguments) for text in texts_of(call.arguments[name])]
    if any(text is None for _, text in wanted):
        return None
    starts = {start: index for index, (start, _) in enumerate(query.words)}
    ends = {end: index for index, (_, end) in enumerate(query.words)}
    free = [True] * len(query.words)
    spans: list[Span] = []
    for name, text in sorted(wanted, key=lambda pair: (-len(pair[1] or ""), pair)):
        places = [(starts.get(a), ends.get(b)) for a, b in _places(text or "", query.text)]
        place = next(((a, b) for a, b in places if a is not None and b is not None and all(free[a : b + 1])), None)
        if place is None:
            return None
        first, last = place
        free[first : last + 1] = [False] * (last + 1 - first)
        spans.append(Span(name, first, last))
    return sorted(spans, key=lambda span: span.first)


def _places(text: str, query: str) -> list[tuple[int, int]]:
    """Start and end of every place where the text stands in the query as whole words."""
    words = r"\s+".join(re.escape(word) for word in text.split())
    before = r"(?<!\w)" if re.match(r"\w", text.strip()) else ""
    after = r"(?!\w)" if re.search(r"\w$", text.strip()) else ""
    return [match.span() for match in re.finditer(f"{before}{words}{after}", query, re.IGNORECASE)]
