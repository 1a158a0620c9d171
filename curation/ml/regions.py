"""Regions: all the traffic that looks like a cluster's, whatever the teacher chose there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from curation.ml.calls import Call, normalise_text
from curation.ml.clustering import Group, assign
from curation.ml.patterns import delexicalise
from curation.ml.probe import ProbeResult
from curation.ml.spans import split_words
from curation.ml.traffic import NO_CALL, SEVERAL, Traffic

MAX_VALUE_WORDS = 8


@dataclass(frozen=True, slots=True)
class Region:
    """The queries (positions in the traffic) of a cluster, and those that look alike but got another choice.

    `lookalikes` maps each of the latter to the key of the pattern that it would have had with the cluster's function.
    """

    members: tuple[int, ...]
    lookalikes: dict[int, str]


def find_regions(
    traffic: Traffic,
    groups: Sequence[Group],
    probe: ProbeResult,
    embed: Callable[[Sequence[str]], np.ndarray],
) -> list[Region]:
    """One region per group.

    A query belongs to the region of a group of another function if the probe, which has not seen its label, would
    not rule that function out, and its pattern under that function (values known from other queries taken out)
    lies within the group's radius. `embed` turns pattern keys into unit vectors.
    """
    suspects = list(_suspects(traffic, probe))
    keys = list(dict.fromkeys(key for _, _, key in suspects))
    vectors = dict(zip(keys, embed(keys), strict=True)) if keys else {}
    lookalikes: list[dict[int, str]] = [{} for _ in groups]
    index = {id(group): at for at, group in enumerate(groups)}
    for position, function, key in suspects:
        group = assign(vectors[key], function, groups)
        if group is not None:
            lookalikes[index[id(group)]][position] = key
    positions: dict[int, list[int]] = defaultdict(list)
    for position, pattern in enumerate(traffic.pattern_of):
        positions[int(pattern)].append(position)
    members = [[at for pattern in group.patterns for at in positions[pattern]] for group in groups]
    return [
        Region(tuple(sorted(own)), {at: key for at, key in found.items() if at not in set(own)})
        for own, found in zip(members, lookalikes, strict=True)
    ]


def _suspects(traffic: Traffic, probe: ProbeResult) -> Iterator[tuple[int, str, str]]:
    """Positions, each with a function that the teacher might have chosen there but did not, and the key it gives."""
    known = traffic.known_values()
    for text, plausible in zip(traffic.texts, probe.plausible, strict=True):
        chosen = {traffic.labels[position] for position in text.positions}
        for function in sorted({*plausible, *(chosen if len(chosen) > 1 else ())} - {NO_CALL, SEVERAL}):
            key = _key_under(text.text, function, known.get(function, {}))
            for position in text.positions:
                if traffic.labels[position] != function:
                    yield position, function, key


def _key_under(text: str, function: str, known: dict[str, set[str]]) -> str:
    """The key of the pattern that the text would have had, had the teacher called this function."""
    words = split_words(text)
    arguments: dict[str, list[str]] = defaultdict(list)
    for first, (start, _) in enumerate(words):
        for _, end in words[first : first + MAX_VALUE_WORDS]:
            value = normalise_text(text[start:end])
            for parameter in sorted(known.get(value, ()))[:1]:
                arguments[parameter].append(value)
    return delexicalise(text, Call(function, dict(arguments))).key
