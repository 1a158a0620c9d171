"""What there is to play: real songs, artists and albums, and the other values that a request can name.

Each list is ordered by how often the simulated users ask for it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

DATA = Path(__file__).parent / "data"


class Title(NamedTuple):
    """A song or an album with its artist."""

    name: str
    artist: str


def _titles(file_name: str) -> list[Title]:
    lines = (DATA / file_name).read_text(encoding="utf-8").splitlines()
    return [Title(*line.split(" | ")) for line in lines]


def _artists() -> list[str]:
    """The listed artists, then those who are known for a single song or album of the catalogue."""
    listed = (DATA / "artists.txt").read_text(encoding="utf-8").splitlines()
    return list(dict.fromkeys([*listed, *(title.artist for title in SONGS + ALBUMS)]))


SONGS = _titles("songs.txt")
ALBUMS = _titles("albums.txt")
ARTISTS = _artists()

_lists: dict[str, Any] = json.loads((DATA / "lists.json").read_text(encoding="utf-8"))

SPOKEN: dict[str, list[str]] = {
    "song": [song.name for song in SONGS],
    "artist": ARTISTS,
    "album": [album.name for album in ALBUMS],
    **{slot: list(values) for slot, values in _lists.items()},
}
"""What users say for each slot of a phrasing."""

MEANINGS: dict[str, dict[str, str]] = {slot: _lists[slot] for slot in ("device", "preset")}
"""For slots whose argument is not the spoken text: what is meant by it."""

NUMBERS = {"level": (0, 100), "minutes": (1, 600), "seconds": (1, 3600)}
"""Slots whose argument is a whole number, with the smallest and the largest."""

DEVICES = sorted(set(MEANINGS["device"].values()))
PRESETS = sorted(set(MEANINGS["preset"].values()))
