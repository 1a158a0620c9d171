"""Patterns: queries with their argument values replaced by parameters, and what traffic says of parameters."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from curation.ml.calls import Call, canonical_call, normalise_text

ParameterKind = Literal["spanned", "closed", "open"]

SPANNED_SHARE = 0.9
"""A parameter whose values stand in the text at least this often is *spanned*."""
CLOSED_VALUES = 50
"""A parameter that is not spanned is *closed* with at most this many distinct values ..."""
CLOSED_REPEATS = 3
"""... each of which came at least this often on average."""

_MARK = re.compile(r"\{\{|\}\}|\{[^{}]*\}")
_WITHOUT_SPACES = re.compile(r"[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""Characters of scripts that write words without white space between them, or glue particles to them."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where a value of a parameter stands in the query: `query[start:end]`, offsets in characters."""

    start: int
    end: int
    parameter: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """A query with its argument values replaced by `{parameter}`.

    `template` is the query as written, braces of its own doubled; `key` is the same for all queries of one
    pattern (case folding, single white space). `spans` are in text order and do not overlap. `missing` names the
    parameters with a value that does not stand in the text.
    """

    template: str
    key: str
    spans: tuple[Span, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ParameterUse:
    """How traffic uses one parameter: its kind with the counts that decide it (a list counts each item)."""

    kind: ParameterKind
    values: int
    in_text: int
    distinct: int


def delexicalise(query: str, call: Call | None) -> Pattern:
    """Replace every argument value of `call` that stands in `query` by `{parameter}`.

    Whole words, longest value first, ignoring case and the amount of white space; a list item by item; a number
    as it is written in digits; booleans, nulls and objects never.
    """
    values = sorted(_values_of(call), key=lambda pair: -max(map(len, pair[1]), default=0))
    folded = _Folded(query) if values else None
    missing: dict[str, None] = {}
    sharing: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for parameter, forms in values:
        sharing[forms].append(parameter)
    for forms, parameters in sharing.items():
        placed = folded.take(forms, parameters) if folded else 0
        missing.update(dict.fromkeys(parameters[placed:]))
    spans = tuple(sorted(folded.spans, key=lambda span: span.start)) if folded else ()
    template = _template(query, spans)
    return Pattern(template, normalise_text(template), spans, tuple(missing))


def fill(template: str, values: Sequence[str]) -> str:
    """The query of a template: its parameters, in order, replaced by `values`; doubled braces made single."""
    remaining = iter(values)
    return _MARK.sub(lambda mark: mark[0][0] if mark[0] in ("{{", "}}") else next(remaining), template)


def readable(template: str) -> str:
    """The template as plain words, for an encoder: `play {song_name}` becomes `play song name`."""
    return _MARK.sub(lambda mark: mark[0][0] if mark[0] in ("{{", "}}") else _words(mark[0][1:-1]), template)


def value_texts(value: Any) -> list[str]:
    """The folded texts by which an argument value (an item of it, if a list) is told from others."""
    return [str(canonical_call(Call("", {"": item}))) for item in (value if isinstance(value, list) else [value])]


def parameter_kinds(observations: Iterable[tuple[str, Call | None]]) -> dict[tuple[str, str], ParameterUse]:
    """What kind each (function, parameter) is, from pairs of a query and its call."""
    values: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    in_text: Counter[tuple[str, str]] = Counter()
    for query, call in observations:
        if call is None:
            continue
        missing = delexicalise(query, call).missing
        for parameter, value in call.arguments.items():
            values[call.name, parameter].update(value_texts(value))
            in_text[call.name, parameter] += 0 if parameter in missing else len(value_texts(value))
    return {key: _use(counts, in_text[key]) for key, counts in values.items()}


def _use(counts: Mapping[str, int], in_text: int) -> ParameterUse:
    seen, distinct = sum(counts.values()), len(counts)
    kind: ParameterKind = "open"
    if in_text >= SPANNED_SHARE * seen:
        kind = "spanned"
    elif distinct <= CLOSED_VALUES and seen >= CLOSED_REPEATS * distinct:
        kind = "closed"
    return ParameterUse(kind, seen, in_text, distinct)


def _words(name: str) -> str:
    return re.sub(r"[_\W]+", " ", name).strip() or "value"


def _values_of(call: Call | None) -> list[tuple[str, tuple[str, ...]]]:
    """Each argument value (each item of a list) as (parameter, the folded forms in which text may hold it)."""
    if call is None:
        return []
    found = []
    for parameter, value in call.arguments.items():
        items = value if isinstance(value, list) and value else [value]
        found += [(parameter, _forms(item)) for item in items]
    return found


def _forms(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        form = normalise_text(value)
        return (form,) if form else ()
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    plain = str(value)
    return tuple(dict.fromkeys((f"{plain}.0", f"{value:,}", plain))) if isinstance(value, int) else (plain,)


def _template(query: str, spans: Sequence[Span]) -> str:
    parts, position = [], 0
    for span in spans:
        name = span.parameter.replace("{", "(").replace("}", ")")
        parts += [_escape(query[position : span.start]), f"{{{name}}}"]
        position = span.end
    return "".join([*parts, _escape(query[position:])])


def _escape(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


class _Folded:
    """A query in folded form (as `normalise_text` writes it) that remembers where each character came from."""

    def __init__(self, query: str) -> None:
        self.query = query
        self.spans: list[Span] = []
        characters: list[str] = []
        self._offsets: list[int] = []
        for offset, character in enumerate(query):
            if character.isspace():
                folded = " " if characters and characters[-1] != " " else ""
            else:
                folded = character.casefold()
            characters += folded
            self._offsets += [offset] * len(folded)
        self._text = "".join(characters)

    def take(self, forms: tuple[str, ...], parameters: Sequence[str]) -> int:
        """Give the free places of a value to the parameters that share it, one each and the rest to the last.

        Returns how many of the parameters got a place.
        """
        places = [place for form in forms for place in self._free_places(form)]
        for position, (start, end) in enumerate(sorted(places)):
            self.spans.append(Span(start, end, parameters[min(position, len(parameters) - 1)]))
        return min(len(places), len(parameters))

    def _free_places(self, form: str) -> Iterable[tuple[int, int]]:
        start = self._text.find(form)
        while start >= 0:
            end = start + len(form)
            if self._is_whole(start, end):
                place = self._offsets[start], self._offsets[end - 1] + 1
                if all(place[1] <= span.start or span.end <= place[0] for span in self.spans):
                    yield place
            start = self._text.find(form, end)

    def _is_whole(self, start: int, end: int) -> bool:
        return not (start and self._joined(start)) and not (end < len(self._text) and self._joined(end))

    def _joined(self, at: int) -> bool:
        """Whether the characters before and at this place belong to one word, number or written character."""
        before, after = self._text[at - 1], self._text[at]
        if self._offsets[at - 1] == self._offsets[at]:
            return True
        if before in ".," and after.isdigit():
            return at > 1 and self._text[at - 2].isdigit()
        if after in ".," and before.isdigit():
            return at + 1 < len(self._text) and self._text[at + 1].isdigit()
        if _WITHOUT_SPACES.match(before) or _WITHOUT_SPACES.match(after):
            return False
        return (before.isalnum() or before == "_") and (after.isalnum() or after == "_")
