"""The world of `fortnight`: what users of the music assistant ask on each day, and what its teacher answers."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from curation.ml.calls import Call
from curation.sample.answers import SampleTeacher
from curation.sample.generator import SampleQuery, generate
from curation.sample.tools import TOOLS

NEW_INTENTS = frozenset({"get_lyrics", "concerts", "who_sings", "play_podcast", "cast_to", "top_songs"})
"""Functions that nobody asks for in simple words before they come: about 9% of the traffic then."""

SIMPLE_SHARE = 0.75
"""Of the requests of each day, before and after every change. The sample's own mix has 65%, which leaves a student that
answers nine in ten of them below 60% of all; a mix of which it must answer four in five tells more."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The days on which the world becomes another one, and stays so."""

    intents: int = 3
    tools: int = 6
    answers: int = 9

    def of(self, day: int) -> str:
        """What changes on this day, for the table."""
        return {
            self.intents: "six new intents, 9% of the traffic",
            self.tools: "set_volume takes `percent` in place of `level`",
            self.answers: "play_genre's requests get play_radio; a quarter fewer songs",
        }.get(day, "")


RARER = "play_song"
RARER_SHARE = 0.25


def tools_on(day: int, changes: Changes) -> list[dict[str, Any]]:
    """The tools that the application offers on a day."""
    if day < changes.tools:
        return TOOLS
    tools = copy.deepcopy(TOOLS)
    parameters = next(tool["function"] for tool in tools if tool["function"]["name"] == "set_volume")["parameters"]
    parameters["properties"] = {"percent": parameters["properties"]["level"]}
    parameters["required"] = ["percent"]
    return tools


def queries_on(day: int, count: int, seed: int, start: datetime, changes: Changes) -> Iterator[SampleQuery]:
    """The day's queries in their order; of those that do not come yet, or come more rarely, others stand in place."""
    rng = random.Random(seed + day)
    drawn = list(generate(seed=seed + day, queries=3 * count, days=1, end=start + timedelta(days=1)))
    simple = [query for query in drawn if query.kind == "simple" and _comes(query, day, changes, rng)]
    others = [query for query in drawn if query.kind != "simple"]
    chosen = rng.sample(simple, round(SIMPLE_SHARE * count))
    return iter(sorted([*chosen, *rng.sample(others, count - len(chosen))], key=lambda query: query.at))


def _comes(query: SampleQuery, day: int, changes: Changes, rng: random.Random) -> bool:
    function = query.call.name if query.call else ""
    if function in NEW_INTENTS and day < changes.intents:
        return False
    return not (function == RARER and day >= changes.answers and rng.random() < RARER_SHARE)


@dataclass
class Teacher:
    """The sample's teacher, with the changes of the days so far."""

    changes: Changes
    day: int = 0
    seed: int = 0
    _sample: SampleTeacher = field(init=False)

    def __post_init__(self) -> None:
        self._sample = SampleTeacher(self.seed)

    def answer(self, text: str, context: Sequence[Mapping[str, Any]]) -> Call | None:
        call = self._sample.answer(text, context)
        if call and call.name == "set_volume" and self.day >= self.changes.tools:
            return Call("set_volume", {"percent": call.arguments["level"]})
        if call and call.name == "play_genre" and self.day >= self.changes.answers:
            return Call("play_radio", call.arguments)
        return call
