"""The ways in which the simulated users say things, each with the call that it asks for."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from curation.ml.calls import Call
from curation.sample.catalogue import DATA
from curation.sample.tools import PARAMETERS

Kind = Literal["simple", "two_wishes", "condition", "reference", "negation", "vague", "small_talk"]

_ALTERNATION = re.compile(r"\(([^)]*)\)")
_HEADER = re.compile(r"\[(\w+) (\d+)(?: (\{.*\}))?\]")
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class CallPlan:
    """A call with slots still to be filled: given arguments, or all slots that are parameters of the function."""

    name: str
    arguments: Mapping[str, Any] | None = None

    def fill(self, values: Mapping[str, Any]) -> Call | None:
        """The call, or None if a value that it needs is not known."""
        if self.arguments is None:
            known = PARAMETERS[self.name]
            return Call(self.name, {slot: value for slot, value in values.items() if slot in known})
        try:
            return Call(self.name, {key: _substitute(value, values) for key, value in self.arguments.items()})
        except KeyError:
            return None


@dataclass(frozen=True, slots=True)
class Phrasing:
    """A text with slots, as words; the plan of its call; what else an unsteady teacher may answer."""

    words: tuple[str, ...]
    kind: Kind
    plan: CallPlan | None
    alternatives: tuple[CallPlan | None, ...] = ()

    @property
    def text(self) -> str:
        return " ".join(self.words)

    @property
    def slots(self) -> list[str]:
        return [word[1:-1] for word in self.words if is_slot(word)]


@dataclass(frozen=True, slots=True)
class Section:
    """Phrasings for one wish (or one kind of complex request); `weight` is its share of the traffic."""

    weight: int
    phrasings: list[Phrasing]


def is_slot(word: str) -> bool:
    return word.startswith("{")


def slot_type(slot: str) -> str:
    """`song_2` is a second slot of type `song`."""
    return slot.rstrip("_0123456789")


def _substitute(value: Any, values: Mapping[str, Any]) -> Any:
    slot = _SLOT.fullmatch(value) if isinstance(value, str) else None
    return values[slot.group(1)] if slot else value


def _expand(line: str) -> Iterator[tuple[str, ...]]:
    """All phrasings that a line with alternations stands for."""
    parts = [part.split("|") for part in _ALTERNATION.split(line)]
    choices = [part if position % 2 else ["|".join(part)] for position, part in enumerate(parts)]
    for chosen in itertools.product(*choices):
        yield tuple("".join(chosen).split())


def _sections(file_name: str) -> Iterator[tuple[str, int, str | None, list[str]]]:
    """Name, weight, arguments and lines of each section of a file."""
    blocks = (DATA / file_name).read_text(encoding="utf-8").split("\n[")[1:]
    for block in blocks:
        header, *lines = f"[{block}".splitlines()
        found = _HEADER.fullmatch(header)
        if found is None:
            raise ValueError(f"{file_name}: {header!r} is not a header.")
        yield found[1], int(found[2]), found[3], [line for line in lines if line]


def _plan(written: str) -> CallPlan | None:
    name, _, arguments = written.strip().partition(" ")
    if name == "none":
        return None
    return CallPlan(name, json.loads(arguments) if arguments else None)


def _simple_sections() -> Iterator[Section]:
    for name, weight, arguments, lines in _sections("simple.txt"):
        plan = CallPlan(name, json.loads(arguments) if arguments else None)
        yield Section(weight, [Phrasing(words, "simple", plan) for line in lines for words in _expand(line)])


def _complex_section(kind: Any, weight: int, lines: list[str]) -> Section:
    phrasings = []
    for line in lines:
        said, _, answers = line.partition(" => ")
        plan, *others = (_plan(answer) for answer in answers.split(" | "))
        phrasings += [Phrasing(words, kind, plan, tuple(others)) for words in _expand(said)]
    return Section(weight, phrasings)


SIMPLE = list(_simple_sections())
COMPLEX = [_complex_section(kind, weight, lines) for kind, weight, _, lines in _sections("complex.txt")]
PHRASINGS = [phrasing for section in SIMPLE + COMPLEX for phrasing in section.phrasings]

OPENINGS = ["please", "hey", "can you", "could you", "ok", "can you please", "could you please", "hi", "would you"]
CLOSINGS = ["please", "thanks", "for me", "now", "pls", "thank you", "right now", "plz", "mate"]
"""Courtesies before and after a request, commonest first. They change nothing about the call."""
