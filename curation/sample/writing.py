"""How people type: their case, their punctuation, their courtesies and their slips."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from curation.sample.phrasings import CLOSINGS, OPENINGS
from curation.sample.words import strip_accents, word_list

SLIP_RATE = 0.07
"""The share of requests with a typing error (a few have two)."""

COURTESY_RATE = 0.16
"""The share of requests with words like *please* before or after."""

Case = Literal["lower", "sentence", "names", "upper"]
CASES: tuple[Case, ...] = ("lower", "sentence", "names", "upper")
CASE_WEIGHTS = (62, 23, 13, 2)

_QUESTION_WORDS = word_list("question")
_VERBS = word_list("command")
_NEIGHBOURS = {
    "a": "qsz", "b": "vgn", "c": "xvd", "d": "sfe", "e": "wrd", "f": "dgr", "g": "fht", "h": "gjy", "i": "uok",
    "j": "hku", "k": "jli", "l": "ko", "m": "nj", "n": "bmh", "o": "ipl", "p": "ol", "q": "wa", "r": "etf",
    "s": "adw", "t": "ryg", "u": "yij", "v": "cbf", "w": "qes", "x": "zcs", "y": "tuh", "z": "xa",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a request: words of the phrasing (no slot), or the value said for a slot."""

    text: str
    slot: str = ""


@dataclass(frozen=True, slots=True)
class Habit:
    """How one user types."""

    case: Case
    mark_rate: float
    """The share of this user's requests that end with a punctuation mark."""


def draw_habit(rng: random.Random) -> Habit:
    case = rng.choices(CASES, CASE_WEIGHTS)[0]
    return Habit(case, rng.choice((0.0, 0.0, 0.05, 0.3)) if case == "lower" else rng.choice((0.1, 0.5)))


def write(pieces: Sequence[Piece], habit: Habit, rng: random.Random) -> tuple[str, dict[str, str]]:
    """The request as this user types it, and the value of each slot as it stands in it."""
    typed = [_in_case(piece, habit.case, rng) for piece in pieces]
    if rng.random() < SLIP_RATE:
        for position in rng.sample(range(len(typed)), min(len(typed), rng.choice((1, 1, 1, 2)))):
            typed[position] = replace(typed[position], text=_with_slip(typed[position].text, rng))
    text = _with_courtesy(" ".join(piece.text for piece in typed), habit.case, rng)
    if rng.random() < habit.mark_rate:
        text += _mark(pieces[0].text, rng)
    if habit.case == "sentence":
        text = text[0].upper() + text[1:]
    return text, {piece.slot: piece.text for piece in typed if piece.slot}


def _in_case(piece: Piece, case: Case, rng: random.Random) -> Piece:
    text = piece.text
    if case == "upper":
        return replace(piece, text=text.upper())
    if case == "lower":
        text = text.lower()
        if rng.random() < 0.6:
            text = text.replace("'", "").replace(" & ", " and ")
        if rng.random() < 0.7:
            text = strip_accents(text)
    return replace(piece, text=text)


def _with_slip(text: str, rng: random.Random) -> str:
    """One letter of one of the longer words mistyped; the text as it is where there is no such word."""
    words = text.split(" ")
    long_enough = [position for position, word in enumerate(words) if len(word) > 3 and word.isalpha()]
    if not long_enough:
        return text
    position = rng.choice(long_enough)
    words[position] = _mistyped(words[position], rng)
    return " ".join(words)


def _mistyped(word: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(word) - 1)
    before, letter, after = word[:at], word[at], word[at + 1 :]
    match rng.choice(("swap", "drop", "double", "neighbour")):
        case "swap":
            return before + after[0] + letter + after[1:]
        case "drop":
            return before + after
        case "double":
            return before + letter + letter + after
        case _:
            return before + rng.choice(_NEIGHBOURS.get(letter.lower(), letter)) + after


def _with_courtesy(text: str, case: Case, rng: random.Random) -> str:
    if rng.random() >= COURTESY_RATE:
        return text
    if rng.random() < 0.5:
        said = _earlier_is_likelier(CLOSINGS, rng)
        return f"{text} {said.upper() if case == 'upper' else said}"
    said = _earlier_is_likelier([said for said in OPENINGS if _can_stand_before(text, said)], rng)
    return f"{said.upper() if case == 'upper' else said} {text}"


def _can_stand_before(text: str, opening: str) -> bool:
    """Nobody says *please who sings this* or *would you louder*."""
    return opening in ("hey", "ok", "hi") or text.split()[0].lower() in _VERBS


def _earlier_is_likelier(choices: Sequence[str], rng: random.Random) -> str:
    return rng.choices(choices, [1 / (rank + 1) for rank in range(len(choices))])[0]


def _mark(start: str, rng: random.Random) -> str:
    if start.split()[0].lower() in _QUESTION_WORDS:
        return rng.choice(("?", "?", "??"))
    return rng.choice((".", ".", "!", "...", "!!"))
