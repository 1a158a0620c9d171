"""Tallies: what the traffic shows about each pattern of a cluster, in numbers that add up.

The evidence for any patterns together follows from the sum of their tallies. So clusters can be split and merged
without another run over the traffic.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from curation.ml.calls import Call, canonical_call
from curation.ml.probe import Agreements
from curation.ml.regions import Region
from curation.ml.simplicity import Estimate
from curation.ml.traffic import Canonical, Traffic

KEPT_ODD = 3
"""Look-alikes that a pattern remembers, to be shown as odd samples."""


@dataclass(frozen=True, slots=True)
class Repeats:
    """Answers to the same thing: pairs of them, and of `queries` in such groups the expected number that agree."""

    pairs: int = 0
    queries: int = 0
    agreed: float = 0.0

    def __add__(self, other: Repeats) -> Repeats:
        return Repeats(self.pairs + other.pairs, self.queries + other.queries, self.agreed + other.agreed)


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts over the queries of some patterns, and over the look-alikes nearest to them.

    `labels` counts what the teacher chose, look-alikes included; all else is about the patterns' own queries.
    `one_call` to `words` are sums over them, `agreed` and `function_agreed` count where the probe was right, `outcome`
    and `chance` are sums of those of `Estimate`, `teacher_ms` is None where no latency is known. `odd` holds query ids
    of look-alikes.
    """

    queries: int = 0
    labels: dict[str, int] = field(default_factory=dict)
    same_query: Repeats = Repeats()
    same_pattern: Repeats = Repeats()
    resampled: Repeats = Repeats()
    reachable: int = 0
    values: int = 0
    one_call: int = 0
    with_context: int = 0
    words: int = 0
    agreed: int = 0
    function_agreed: int = 0
    outcome: int = 0
    chance: float = 0.0
    teacher_ms: float | None = None
    odd: tuple[str, ...] = ()


def add_up(tallies: Iterable[Tally]) -> Tally:
    """The tally of several patterns together."""
    total = Tally()
    for tally in tallies:
        total = _sum(total, tally)
    return total


def _sum(first: Tally, second: Tally) -> Tally:
    times = [ms for ms in (first.teacher_ms, second.teacher_ms) if ms is not None]
    return Tally(
        queries=first.queries + second.queries,
        labels=dict(Counter(first.labels) + Counter(second.labels)),
        same_query=first.same_query + second.same_query,
        same_pattern=first.same_pattern + second.same_pattern,
        resampled=first.resampled + second.resampled,
        reachable=first.reachable + second.reachable,
        values=first.values + second.values,
        one_call=first.one_call + second.one_call,
        with_context=first.with_context + second.with_context,
        words=first.words + second.words,
        agreed=first.agreed + second.agreed,
        function_agreed=first.function_agreed + second.function_agreed,
        outcome=first.outcome + second.outcome,
        chance=first.chance + second.chance,
        teacher_ms=sum(times) if times else None,
        odd=first.odd + second.odd,
    )


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run measured at each query of its traffic. `latencies`: in ms, None if unknown throughout; `resamples`:
    by query id, calls that the teacher made when asked again."""

    traffic: Traffic
    agreements: Agreements
    estimate: Estimate
    latencies: np.ndarray | None
    resamples: Mapping[str, Sequence[Call | None]]
    canonical: Canonical = canonical_call


def tally_patterns(measured: Measured, region: Region, homes: Mapping[int, int]) -> dict[int, Tally]:
    """The tally of each pattern (by index) of a region.

    `homes` gives the pattern of the region that each of its look-alikes (by position) is nearest to. Queries with one
    text that lie in several patterns are counted as repeats where most of them are.
    """
    traffic = measured.traffic
    home = {**{at: int(traffic.pattern_of[at]) for at in region.members}, **homes}
    members: dict[int, list[int]] = defaultdict(list)
    for at in region.members:
        members[home[at]].append(at)
    seen, odd = _by_home(region, home)
    by_text = _groups(home, {at: int(traffic.text_of[at]) for at in home}, dict(enumerate(traffic.choices)))
    keys = {at: region.lookalikes.get(at, traffic.patterns[at].key) for at in home}
    by_key = _groups(home, keys, {at: _skeleton(traffic, at, measured.canonical) for at in home})
    return {
        pattern: replace(
            _own_tally(measured, own),
            labels=dict(Counter(str(traffic.labels[at]) for at in seen[pattern])),
            same_query=_repeats(by_text[pattern]),
            same_pattern=_repeats(by_key[pattern]),
            odd=tuple(traffic.observations[at].query_id for at in odd[pattern][:KEPT_ODD]),
        )
        for pattern, own in members.items()
    }


def _by_home(region: Region, home: Mapping[int, int]) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    """The positions at each pattern, and those of them that are look-alikes."""
    seen: dict[int, list[int]] = defaultdict(list)
    odd: dict[int, list[int]] = defaultdict(list)
    for at, pattern in home.items():
        seen[pattern].append(at)
        if at in region.lookalikes:
            odd[pattern].append(at)
    return seen, odd


def _groups(
    home: Mapping[int, int], same: Mapping[int, Hashable], answers: Mapping[int, Hashable]
) -> dict[int, list[list[Hashable]]]:
    """The answers to each same thing, at the pattern where most of its queries are."""
    together: dict[Hashable, list[int]] = defaultdict(list)
    for at in home:
        together[same[at]].append(at)
    found: dict[int, list[list[Hashable]]] = defaultdict(list)
    for group in together.values():
        main = Counter(home[at] for at in group).most_common(1)[0][0]
        found[main].append([answers[at] for at in group])
    return found


def _repeats(groups: Iterable[Sequence[Hashable]]) -> Repeats:
    """Each group counts by its size, not by the square of it."""
    total = Repeats()
    for group in groups:
        size = len(group)
        if size > 1:
            same = sum(count * (count - 1) for count in Counter(group).values())
            total += Repeats(size * (size - 1) // 2, size, same / (size - 1))
    return total


def _own_tally(measured: Measured, members: Sequence[int]) -> Tally:
    traffic, rows = measured.traffic, np.array(members)
    seen = [traffic.observations[at] for at in members]
    counted = [traffic.reachable(at) for at in members]
    return Tally(
        queries=len(members),
        resampled=_resampled(measured, members),
        reachable=sum(pair[0] for pair in counted),
        values=sum(pair[1] for pair in counted),
        one_call=sum(query.call is not None and not query.several_calls for query in seen),
        with_context=sum(query.has_context for query in seen),
        words=sum(len(query.text.split()) for query in seen),
        agreed=int(measured.agreements.call[rows].sum()),
        function_agreed=int(measured.agreements.function[rows].sum()),
        outcome=int(measured.estimate.outcome[rows].sum()),
        chance=float(measured.estimate.chance[rows].sum()),
        teacher_ms=None if measured.latencies is None else float(measured.latencies[rows].sum()),
    )


def _resampled(measured: Measured, members: Sequence[int]) -> Repeats:
    traffic = measured.traffic
    again = [
        traffic.choices[at] == measured.canonical(call)
        for at in members
        for call in measured.resamples.get(traffic.observations[at].query_id, ())
    ]
    return Repeats(len(again), len(again), float(sum(again)))


def _skeleton(traffic: Traffic, position: int, canonical: Canonical) -> Hashable:
    """The call without the values that stand in the text: what queries of one pattern have in common."""
    seen, missing = traffic.observations[position], set(traffic.patterns[position].missing)
    if seen.call is None or seen.several_calls:
        return str(traffic.labels[position])
    kept = {name: value if name in missing else None for name, value in seen.call.arguments.items()}
    return canonical(Call(seen.call.name, kept))
