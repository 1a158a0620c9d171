"""The evidence for a cluster's simplicity: what the traffic in it shows, part by part, and in words."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from curation.ml.calls import Call, canonical_call
from curation.ml.probe import Agreements
from curation.ml.regions import Region
from curation.ml.traffic import NO_CALL, SEVERAL, Canonical, Traffic

Z = 1.959963984540054
"""95% two-sided."""


@dataclass(frozen=True, slots=True)
class Purity:
    """How often the teacher chose the cluster's function among all queries that look like the cluster's.

    `lower` is the lower end of Wilson's 95% interval. `others` counts the other choices, "" for no call and "*" for
    several calls.
    """

    chosen: int
    queries: int
    share: float
    lower: float
    others: dict[str, int]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often two answers to the same thing are the same; `share` is None where no pair was seen."""

    pairs: int
    share: float | None


@dataclass(frozen=True, slots=True)
class Consistency:
    """The same query again, the same pattern again (values aside), and labels asked for again."""

    same_query: Agreement
    same_pattern: Agreement
    resampled: Agreement


@dataclass(frozen=True, slots=True)
class Reach:
    """How many argument values a student could produce; `share` is None where the calls have no arguments."""

    reachable: int
    values: int
    share: float | None


@dataclass(frozen=True, slots=True)
class Shape:
    """Shares of queries answered with one call, and that came with an earlier turn; mean length in words."""

    one_call: float
    with_context: float
    mean_words: float


@dataclass(frozen=True, slots=True)
class ProbeAgreement:
    """How many queries the cross-validated probe got right: the whole call, and the function alone."""

    agreed: int
    function_agreed: int
    queries: int
    share: float


@dataclass(frozen=True, slots=True)
class Volume:
    """The cluster's part of the traffic and of the teacher's time; times are None where no latency is known."""

    queries: int
    share: float
    teacher_ms: float | None
    teacher_share: float | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that the estimate of a cluster rests on."""

    function: str | None
    purity: Purity
    consistency: Consistency
    reach: Reach
    shape: Shape
    probe: ProbeAgreement
    volume: Volume

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def wilson_lower(hits: int, trials: int) -> float:
    """The lower end of Wilson's 95% score interval for a proportion (Wilson, 1927); 0 without trials."""
    if not trials:
        return 0.0
    share = hits / trials
    middle = share + Z**2 / (2 * trials)
    margin = Z * math.sqrt(share * (1 - share) / trials + Z**2 / (4 * trials**2))
    return max(0.0, (middle - margin) / (1 + Z**2 / trials))


def function_name(label: str) -> str | None:
    """The function that a label stands for; None where there is not one call."""
    return None if label in (NO_CALL, SEVERAL) else label


def gather_evidence(
    traffic: Traffic,
    label: str,
    region: Region,
    agreements: Agreements,
    latencies: np.ndarray | None,
    resamples: Mapping[str, Sequence[Call | None]],
    canonical: Canonical = canonical_call,
) -> Evidence:
    """The evidence for one cluster. `latencies`: ms of each query of the traffic, None if unknown throughout."""
    members = list(region.members)
    return Evidence(
        function=function_name(label),
        purity=_purity(traffic, label, region),
        consistency=_consistency(traffic, region, resamples, canonical),
        reach=_reach(traffic, members),
        shape=_shape(traffic, members),
        probe=ProbeAgreement(
            agreed=int(agreements.call[members].sum()),
            function_agreed=int(agreements.function[members].sum()),
            queries=len(members),
            share=float(agreements.call[members].mean()),
        ),
        volume=_volume(members, latencies, len(traffic.labels)),
    )


def _purity(traffic: Traffic, label: str, region: Region) -> Purity:
    seen = Counter(traffic.labels[[*region.members, *region.lookalikes]])
    chosen, total = seen.pop(label, 0), len(region.members) + len(region.lookalikes)
    return Purity(chosen, total, chosen / total, wilson_lower(chosen, total), dict(seen.most_common()))


def _consistency(
    traffic: Traffic, region: Region, resamples: Mapping[str, Sequence[Call | None]], canonical: Canonical
) -> Consistency:
    by_text, by_key = defaultdict(list), defaultdict(list)
    for position in (*region.members, *region.lookalikes):
        key = region.lookalikes.get(position, traffic.patterns[position].key)
        by_text[int(traffic.text_of[position])].append(traffic.choices[position])
        by_key[key].append(_skeleton(traffic, position, canonical))
    again = [
        (traffic.choices[position], canonical(call))
        for position in region.members
        for call in resamples.get(traffic.observations[position].query_id, ())
    ]
    same = sum(first == second for first, second in again)
    resampled = Agreement(len(again), same / len(again) if again else None)
    return Consistency(_agreement(by_text.values()), _agreement(by_key.values()), resampled)


def _skeleton(traffic: Traffic, position: int, canonical: Canonical) -> Hashable:
    """The call without the values that stand in the text: what queries of one pattern have in common."""
    seen, missing = traffic.observations[position], set(traffic.patterns[position].missing)
    if seen.call is None or seen.several_calls:
        return traffic.labels[position]
    kept = {name: value if name in missing else None for name, value in seen.call.arguments.items()}
    return canonical(Call(seen.call.name, kept))


def _agreement(groups: Iterable[Sequence[Hashable]]) -> Agreement:
    """The share of equal pairs within groups, each group weighted by its size, not by the square of it."""
    pairs = queries = 0
    weighted = 0.0
    for group in groups:
        size = len(group)
        if size > 1:
            same = sum(count * (count - 1) for count in Counter(group).values())
            weighted += same / (size - 1)
            queries += size
            pairs += size * (size - 1) // 2
    return Agreement(pairs, weighted / queries if queries else None)


def _reach(traffic: Traffic, members: Sequence[int]) -> Reach:
    counted = [traffic.reachable(position) for position in members]
    within, total = sum(pair[0] for pair in counted), sum(pair[1] for pair in counted)
    return Reach(within, total, within / total if total else None)


def _shape(traffic: Traffic, members: Sequence[int]) -> Shape:
    seen = [traffic.observations[position] for position in members]
    return Shape(
        one_call=float(np.mean([query.call is not None and not query.several_calls for query in seen])),
        with_context=float(np.mean([query.has_context for query in seen])),
        mean_words=float(np.mean([len(query.text.split()) for query in seen])),
    )


def _volume(members: Sequence[int], latencies: np.ndarray | None, queries: int) -> Volume:
    share = len(members) / queries
    if latencies is None:
        return Volume(len(members), share, None, None)
    taken = float(latencies[members].sum())
    return Volume(len(members), share, taken, taken / max(float(latencies.sum()), 1e-9))


def describe(evidence: Evidence) -> list[tuple[str, str, str]]:
    """The evidence in plain words: label, sentence, figure of each part."""
    parts = [("Purity", *_say_purity(evidence)), ("Consistency", *_say_consistency(evidence.consistency))]
    parts += [("Reach", *_say_reach(evidence.reach)), ("Shape", *_say_shape(evidence.shape))]
    return [*parts, ("Probe", *_say_probe(evidence.probe)), ("Volume", *_say_volume(evidence.volume))]


def _say_purity(evidence: Evidence) -> tuple[str, str]:
    purity = evidence.purity
    verb = f"chose {evidence.function}" if evidence.function else "made no single call"
    others = ", ".join(f"{_choice_name(name)} {count}" for name, count in list(purity.others.items())[:3])
    sentence = (
        f"The teacher {verb} for {purity.chosen:,} of {purity.queries:,} queries like these "
        f"({purity.share:.1%}, at least {purity.lower:.1%})"
    )
    return f"{sentence}; otherwise: {others}." if others else f"{sentence}.", f"{purity.lower:.1%}"


def _choice_name(label: str) -> str:
    return {NO_CALL: "no call", SEVERAL: "several calls"}.get(label, label)


def _say_consistency(consistency: Consistency) -> tuple[str, str]:
    named = {
        "the same query came again": consistency.same_query,
        "the same pattern came again": consistency.same_pattern,
        "the teacher was asked again": consistency.resampled,
    }
    said = [
        f"{found.share:.1%} of the time when {when} ({_count(found.pairs, 'pair')})"
        for when, found in named.items()
        if found.share is not None
    ]
    if not said:
        return "No query or pattern came twice, so nothing is known about this.", "unknown"
    shares = [found.share for found in named.values() if found.share is not None]
    return f"The teacher made the same call {', '.join(said)}.", f"{min(shares):.1%}"


def _say_reach(reach: Reach) -> tuple[str, str]:
    if reach.share is None:
        return "These calls have no arguments.", "none needed"
    return (
        f"A student can find or choose {reach.reachable:,} of {reach.values:,} argument values ({reach.share:.1%}).",
        f"{reach.share:.1%}",
    )


def _say_shape(shape: Shape) -> tuple[str, str]:
    return (
        f"{shape.one_call:.1%} were answered with exactly one call, {shape.with_context:.1%} came with an "
        f"earlier turn; {shape.mean_words:.1f} words on average.",
        f"{shape.one_call:.1%}",
    )


def _say_probe(probe: ProbeAgreement) -> tuple[str, str]:
    return (
        f"A quick model that had not seen these queries made the teacher's call for {probe.agreed:,} of "
        f"{probe.queries:,} ({probe.share:.1%}), and chose its function for {probe.function_agreed:,}.",
        f"{probe.share:.1%}",
    )


def _say_volume(volume: Volume) -> tuple[str, str]:
    traffic = f"{_count(volume.queries, 'query', 'queries')}, {volume.share:.1%} of the traffic"
    if volume.teacher_ms is None:
        return f"{traffic}; the teacher's latency is not known.", f"{volume.share:.1%}"
    return (
        f"{traffic} and {volume.teacher_share:.1%} of the teacher's time ({volume.teacher_ms / 1000:,.0f} s).",
        f"{volume.share:.1%}",
    )


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
