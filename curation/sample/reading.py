"""What a request to the music assistant asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any, Literal

from curation.ml.calls import Call
from curation.sample.catalogue import SONGS
from curation.sample.matcher import Match, best_match
from curation.sample.phrasings import Kind
from curation.sample.slots import LONGEST, argument, corrected, known_names
from curation.sample.words import Word, fold_name, split_words, word_list

SEPARATORS = word_list("separating")

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """The call that a request asks for, and what else an unsteady teacher may answer.

    The kind is *unclear* where no phrasing fits and the call was guessed from parts of the text.
    """

    call: Call | None
    kind: Kind | Literal["unclear"]
    alternatives: tuple[Call | None, ...] = ()


_ARTIST_BY_KEY = {fold_name(song.name): song.artist for song in SONGS}

_KEYWORDS: list[tuple[frozenset[str], str, str | None]] = [
    (frozenset(words.split()), function, slot)
    for words, function, slot in (
        ("lyrics words text", "get_lyrics", "song"),
        ("concert concerts tour tickets gig show", "concerts", "artist"),
        ("queue next", "queue_song", "song"),
        ("biography bio born", "artist_biography", "artist"),
        ("similar like", "similar_artists", "artist"),
        ("radio station", "play_radio", "artist"),
        ("album record", "play_album", "album"),
        ("playlist list", "play_playlist", "playlist"),
        ("podcast episode", "play_podcast", "podcast"),
        ("volume loud", "set_volume", "level"),
        ("alarm wake", "set_alarm", "time"),
        ("timer sleep", "sleep_timer", "minutes"),
        ("equalizer eq", "set_equalizer", "preset"),
        ("speaker cast device", "cast_to", "device"),
        ("play hear listen song put music", "play_song", "song"),
        ("play hear listen put music", "play_artist", "artist"),
        ("play hear listen put music", "play_genre", "genre"),
        ("play hear listen put music", "play_mood", "mood"),
        ("skip next", "next_track", None),
        ("pause stop quiet", "pause", None),
        ("louder", "change_volume", None),
    )
]
"""Where nothing else fits: one of these words, and a value of this slot, point to this function."""

_FIXED_ARGUMENTS: dict[str, dict[str, Any]] = {"change_volume": {"direction": "up"}}


def read_request(text: str, context: Sequence[Message] = ()) -> Reading:
    """Read the last message of a conversation; `context` holds the messages before it."""
    words = split_words(text)
    match = best_match(text, words) if words else None
    if match is None:
        return _guess(text, words)
    values = {**match.values, **mentioned_earlier(context)} if match.phrasing.kind == "reference" else match.values
    plans = (match.phrasing.plan, *match.phrasing.alternatives)
    call, *others = (plan.fill(values) if plan else None for plan in plans)
    return Reading(call, match.phrasing.kind, tuple(others))


def mentioned_earlier(context: Sequence[Message]) -> dict[str, str]:
    """The song and the artist that the user named last, as `earlier_song` and `earlier_artist`."""
    said = [str(message.get("content") or "") for message in context if message.get("role") == "user"]
    named = _named_in(said[-1]) if said else {}
    artist = named.get("artist") or _artist_of(named.get("song", ""))
    found = {"earlier_song": named.get("song"), "earlier_artist": artist}
    return {name: value for name, value in found.items() if value}


def _artist_of(song: str) -> str | None:
    known = corrected("song", fold_name(song))
    return _ARTIST_BY_KEY[known] if known else None


@lru_cache(maxsize=20_000)
def _named_in(text: str) -> dict[str, str]:
    match = best_match(text, split_words(text))
    return dict(match.values) if match else {}


def _guess(text: str, words: Sequence[Word]) -> Reading:
    """The first wish that can be read out of a part of the text; failing that, what its key words point to."""
    parts = [list(group) for between, group in groupby(words, lambda w: w.folded in SEPARATORS) if not between]
    matches = [match for part in parts if (match := best_match(text, part))]
    calls = [call for match in matches if (call := _call_of(match))]
    if not calls:
        return Reading(_call_from_keywords(text, words), "unclear")
    return Reading(calls[0], "two_wishes" if len(calls) > 1 else "unclear", (*calls[1:], None))


def _call_of(match: Match) -> Call | None:
    return match.phrasing.plan.fill(match.values) if match.phrasing.plan else None


def _call_from_keywords(text: str, words: Sequence[Word]) -> Call | None:
    folded = {word.folded for word in words}
    for keywords, function, slot in _KEYWORDS:
        if keywords & folded:
            if slot is None:
                return Call(function, _FIXED_ARGUMENTS.get(function, {}))
            value = _longest_value(slot, text, words)
            if value is not None:
                return Call(function, {slot: value})
    return None


def _longest_value(slot: str, text: str, words: Sequence[Word]) -> Any:
    """The longest run of words that is a known value of the slot, as an argument; None if there is none."""
    for length in range(min(LONGEST, len(words)), 0, -1):
        for run in (words[start : start + length] for start in range(len(words) - length + 1)):
            key = "".join(word.folded for word in run)
            if key in known_names(slot) and corrected(slot, key):
                return argument(slot, key, text[run[0].start : run[-1].end])
    return None
