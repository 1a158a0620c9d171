"""The simulated teacher: steady on simple requests, unsteady on the others."""

from __future__ import annotations

import random
from collections.abc import Sequence

from curation.ml.calls import Call, same_call
from curation.sample.reading import Message, Reading, read_request

UNSTEADY_RATE = 0.25
"""The share of requests that are not simple (two wishes, conditions, references, negation, vague wishes, small
talk, and texts that fit no phrasing) to which the teacher gives another answer than the intended one: one of
the other readings, or plainly a wrong one. Drawn anew for each request, so that the same text asked twice can
be answered in two ways. Simple requests always get the same call."""

_WRONG: tuple[Call | None, ...] = (None, Call("resume"), Call("next_track"))


class SampleTeacher:
    """Answers requests to the simulated music assistant."""

    def __init__(self, seed: int = 0) -> None:
        self._rng = random.Random(seed)

    def answer(self, text: str, context: Sequence[Message] = ()) -> Call | None:
        """The call for the last message of a conversation; None for an answer in words.

        Args:
            text: the last message, the user's.
            context: the messages before it, as in OpenAI's `messages`.
        """
        reading = read_request(text, context)
        if reading.kind == "simple" or self._rng.random() >= UNSTEADY_RATE:
            return reading.call
        return self._other_answer(reading)

    def _other_answer(self, reading: Reading) -> Call | None:
        others = [call for call in reading.alternatives if not same_call(call, reading.call)]
        return self._rng.choice(others or [call for call in _WRONG if not same_call(call, reading.call)])
