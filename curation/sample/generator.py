"""Simulated traffic of the music assistant.

Words, artists and songs come up as often as Zipf's law has it: the n-th commonest about 1/n as often as the
commonest. So a few requests come again and again, word for word, and most come once.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any, Generic, TypeVar

from curation.ml.calls import Call
from curation.sample.catalogue import ALBUMS, MEANINGS, NUMBERS, SONGS, SPOKEN
from curation.sample.phrasings import COMPLEX, SIMPLE, Kind, Phrasing, Section, is_slot, slot_type
from curation.sample.writing import Habit, Piece, draw_habit, write

COMPLEX_SHARE = 0.35
USERS = 400

HOUR_WEIGHTS = (4, 2, 1, 1, 1, 3, 9, 16, 18, 14, 12, 12, 14, 13, 12, 13, 16, 21, 24, 24, 22, 19, 14, 8)
WEEKEND_WEIGHT = 1.25

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class SampleQuery:
    """One simulated request.

    `context` holds the earlier messages, `kind` and `call` what was intended: they serve tests and statistics
    and never stand in a log.
    """

    id: str
    text: str
    context: list[dict[str, str]]
    at: datetime
    user_id: str
    kind: Kind
    call: Call | None


class _Zipf(Generic[Item]):
    """Draws items; the n-th in the list with weight 1 / n ** exponent."""

    def __init__(self, items: Sequence[Item], exponent: float) -> None:
        self._items = items
        self._weights = list(accumulate((rank + 1) ** -exponent for rank in range(len(items))))

    def draw(self, rng: random.Random) -> Item:
        return rng.choices(self._items, cum_weights=self._weights)[0]


class _Phrases:
    """Draws a phrasing: first the wish by its weight, then the words."""

    def __init__(self, sections: list[Section], exponent: float) -> None:
        self._weights = [section.weight for section in sections]
        self._phrasings = [_Zipf(section.phrasings, exponent) for section in sections]

    def draw(self, rng: random.Random) -> Phrasing:
        return rng.choices(self._phrasings, self._weights)[0].draw(rng)


_simple = _Phrases(SIMPLE, exponent=1.0)
_complex = _Phrases(COMPLEX, exponent=0.6)
_earlier_requests = _Phrases(SIMPLE[:1], exponent=1.0)
_spoken = {slot: _Zipf(spoken, exponent=1.0) for slot, spoken in SPOKEN.items()}
_ARTIST_OF = {
    "song": {song.name: song.artist for song in SONGS},
    "album": {album.name: album.artist for album in ALBUMS},
}


def generate(*, seed: int = 7, queries: int = 9000, days: int = 14, end: datetime) -> Iterator[SampleQuery]:
    """Simulated requests of the `days` days before `end` (an aware time), oldest first.

    The same arguments give the same requests.
    """
    rng = random.Random(seed)
    habits = [draw_habit(rng) for _ in range(USERS)]
    users = _Zipf(range(USERS), exponent=0.7)
    for number, at in enumerate(_times(rng, queries, days, end)):
        user = users.draw(rng)
        query = _draw_query(rng, habits[user])
        yield replace(query, id=f"sample-{seed}-{number:06d}", at=at, user_id=f"user-{user:03d}")


def _times(rng: random.Random, queries: int, days: int, end: datetime) -> list[datetime]:
    hours = [end - timedelta(hours=back + 1) for back in range(days * 24)]
    weights = [HOUR_WEIGHTS[hour.hour] * (WEEKEND_WEIGHT if hour.weekday() > 4 else 1.0) for hour in hours]
    drawn = rng.choices(hours, weights, k=queries)
    return sorted(hour + timedelta(seconds=round(3600 * rng.random(), 3)) for hour in drawn)


def _draw_query(rng: random.Random, habit: Habit) -> SampleQuery:
    phrasing = (_complex if rng.random() < COMPLEX_SHARE else _simple).draw(rng)
    said = _draw_values(phrasing, rng)
    text, typed = write(_pieces(phrasing, said), habit, rng)
    values: dict[str, Any] = {slot: _argument(slot, said[slot], typed[slot]) for slot in said}
    context: list[dict[str, str]] = []
    if phrasing.kind == "reference":
        context, earlier = _earlier_turn(rng, habit)
        values |= earlier
    call = phrasing.plan.fill(values) if phrasing.plan else None
    return SampleQuery("", text, context, datetime.min, "", phrasing.kind, call)


def _draw_values(phrasing: Phrasing, rng: random.Random) -> dict[str, str]:
    """What is said for each slot: no name twice, and a song or an album with its own artist."""
    said: dict[str, str] = {}
    for slot in phrasing.slots:
        name = _spoken[slot_type(slot)].draw(rng)
        while name in said.values():
            name = _spoken[slot_type(slot)].draw(rng)
        said[slot] = name
    return said | {artist: _ARTIST_OF[work][said[slot]] for slot, work, artist in _works_with_artist(phrasing)}


def _works_with_artist(phrasing: Phrasing) -> Iterator[tuple[str, str, str]]:
    """Slot of a song or an album, which of the two, and the slot of its artist: `song_2 by artist_2`."""
    for slot in phrasing.slots:
        work, _, number = slot.partition("_")
        artist = f"artist_{number}" if number else "artist"
        belongs = phrasing.kind == "simple" or f"{{{slot}}} by {{{artist}}}" in phrasing.text
        if work in _ARTIST_OF and artist in phrasing.slots and belongs:
            yield slot, work, artist


def _pieces(phrasing: Phrasing, said: Mapping[str, str]) -> list[Piece]:
    return [Piece(said[word[1:-1]], word[1:-1]) if is_slot(word) else Piece(word) for word in phrasing.words]


def _argument(slot: str, said: str, typed: str) -> Any:
    """A number, what is meant by the words, or the words as they were typed: a student can only point at those."""
    kind = slot_type(slot)
    if kind in NUMBERS:
        return int(typed)
    return MEANINGS[kind][said] if kind in MEANINGS else typed


def _earlier_turn(rng: random.Random, habit: Habit) -> tuple[list[dict[str, str]], dict[str, str]]:
    """A request that was answered before, as messages, and what it named."""
    phrasing = _earlier_requests.draw(rng)
    said = _draw_values(phrasing, rng)
    text, typed = write(_pieces(phrasing, said), habit, rng)
    artist = _ARTIST_OF["song"][said["song"]]
    messages = [
        {"role": "user", "content": text},
        {"role": "assistant", "content": f"Playing {said['song']} by {artist}."},
    ]
    return messages, {"earlier_song": typed["song"], "earlier_artist": typed.get("artist", artist)}
