"""Reading the value of a slot out of the words of a request."""

from __future__ import annotations

import re
from typing import Any

from curation.sample.catalogue import MEANINGS, NUMBERS, SPOKEN
from curation.sample.spelling import Spelling
from curation.sample.words import fold_name

LONGEST = 9
"""The longest name in the catalogue has this many words."""

EXACT, MISSPELT, UNKNOWN = 0.1, 1.0, 3.0
"""What it costs to read words as a known name, as one with a typing error, as a name nobody has heard of."""

OPEN = ("song", "artist", "album", "playlist", "podcast", "city")
"""Slots that take names outside the catalogue. Where one name could be several things, the first is meant."""

_PREFERENCE = {slot: 0.001 * rank for rank, slot in enumerate([*OPEN, *sorted(SPOKEN.keys() - set(OPEN))])}
_CLOCK = re.compile(r"\d{1,4}(am|pm)?")
_MEANING_BY_KEY = {
    slot: {fold_name(spoken): meaning for spoken, meaning in meanings.items()} for slot, meanings in MEANINGS.items()
}
_KEYS = {slot: frozenset(map(fold_name, spoken)) for slot, spoken in SPOKEN.items()}
_SPELLING = {slot: Spelling(keys) for slot, keys in _KEYS.items()}


def closed_cost(slot: str, key: str) -> float | None:
    """What it costs to read the folded words `key` as a value that the catalogue knows; None if it cannot be."""
    if slot in NUMBERS:
        return EXACT if is_number_for(slot, key) else None
    if key in _KEYS[slot] or (slot == "time" and _CLOCK.fullmatch(key)):
        return EXACT + _PREFERENCE[slot]
    return MISSPELT + _PREFERENCE[slot] if _SPELLING[slot].near(key) else None


def is_number_for(slot: str, key: str) -> bool:
    smallest, largest = NUMBERS[slot]
    return key.isascii() and key.isdigit() and len(key) < 5 and smallest <= int(key) <= largest


def open_cost(slot: str, words: int) -> float:
    """What it costs to take unknown words as a name, in one of the slots that take them."""
    return UNKNOWN + 0.5 * words + _PREFERENCE[slot]


def argument(slot: str, key: str, written: str) -> Any:
    """The argument for a slot: a number, what is meant, or the text as it was written."""
    if slot in NUMBERS:
        return int(key)
    meanings = _MEANING_BY_KEY.get(slot)
    return _spelt_right(slot, key, meanings) if meanings else written


def known_names(slot: str) -> frozenset[str]:
    """The folded names of a slot."""
    return _KEYS[slot]


def corrected(slot: str, key: str) -> str | None:
    """The folded name that is meant, typing errors put right; the first in the alphabet if there are several."""
    return key if key in _KEYS[slot] else min(_SPELLING[slot].near(key), default=None)


def _spelt_right(slot: str, key: str, meanings: dict[str, str]) -> str:
    known = corrected(slot, key)
    if known is None:
        raise ValueError(f"{key!r} was never matched as a {slot}.")
    return meanings[known]
