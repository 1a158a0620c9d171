"""Small traffic of a made-up assistant, and one embedder for all tests."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from curation.ml.calls import Call
from curation.ml.embedding import Embedder
from curation.ml.traffic import Observation

SONGS = ["hello", "yesterday", "imagine", "thriller", "halo", "skyfall", "creep", "zombie", "jolene", "roxanne"]
ROOMS = ["kitchen", "bedroom", "hallway", "garage", "bathroom", "office", "cellar", "attic"]
PLAY = ["play {}", "please play {}", "put on {}", "i want to hear {}", "can you play {} for me", "start {} now"]
LIGHTS = ["turn on the lights in the {}", "lights on in the {}", "switch the {} lights on", "light up the {}"]
CHAT = ["how are you", "tell me about yourself", "good morning", "you are nice", "what is love", "who made you"]


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    return Embedder()


@pytest.fixture(scope="session")
def observations() -> list[Observation]:
    """Songs, lights and small talk, 98 queries, each phrasing with each value, one minute apart."""
    calls: list[tuple[str, Call | None]] = [
        *((text.format(song), Call("play_song", {"song": song})) for text, song in itertools.product(PLAY, SONGS)),
        *((text.format(room), Call("lights_on", {"room": room})) for text, room in itertools.product(LIGHTS, ROOMS)),
        *((text, None) for text in CHAT),
    ]
    return [
        Observation(f"q{at}", text, call, latency_ms=1000.0 + at, at=60.0 * at) for at, (text, call) in enumerate(calls)
    ]


Observe = Callable[..., list[Observation]]


@pytest.fixture(scope="session")
def observe() -> Observe:
    """Observations from (text, call) pairs, with what else is to be the same in all of them."""

    def make(*pairs: tuple[str, Call | None], **same: object) -> list[Observation]:
        return [Observation(f"q{at}", text, call, **same) for at, (text, call) in enumerate(pairs)]  # type: ignore[arg-type]

    return make
