"""The evidence for a cluster's simplicity: what the traffic in it shows, part by part, and in words."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from curation.ml.tallies import Repeats, Tally
from curation.ml.traffic import NO_CALL, SEVERAL

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
class Whole:
    """All the traffic that a cluster is a part of; the teacher's time is None where no latency is known."""

    queries: int
    teacher_ms: float | None


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


def evidence_of(label: str, tally: Tally, whole: Whole) -> Evidence:
    """The evidence for a cluster with this label, from the sum of its patterns' tallies."""
    return Evidence(
        function=function_name(label),
        purity=_purity(label, tally),
        consistency=Consistency(*map(_agreement, (tally.same_query, tally.same_pattern, tally.resampled))),
        reach=Reach(tally.reachable, tally.values, tally.reachable / tally.values if tally.values else None),
        shape=Shape(
            one_call=tally.one_call / tally.queries,
            with_context=tally.with_context / tally.queries,
            mean_words=tally.words / tally.queries,
        ),
        probe=ProbeAgreement(tally.agreed, tally.function_agreed, tally.queries, tally.agreed / tally.queries),
        volume=_volume(tally, whole),
    )


def _purity(label: str, tally: Tally) -> Purity:
    seen = Counter(tally.labels)
    total, chosen = seen.total(), seen.pop(label, 0)
    return Purity(chosen, total, chosen / total, wilson_lower(chosen, total), dict(seen.most_common()))


def _agreement(repeats: Repeats) -> Agreement:
    return Agreement(repeats.pairs, repeats.agreed / repeats.queries if repeats.queries else None)


def _volume(tally: Tally, whole: Whole) -> Volume:
    share = tally.queries / whole.queries
    if tally.teacher_ms is None or whole.teacher_ms is None:
        return Volume(tally.queries, share, None, None)
    return Volume(tally.queries, share, tally.teacher_ms, tally.teacher_ms / max(whole.teacher_ms, 1e-9))


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
        f"({purity.share:.1%}, at least {purity.lower:.1%} with 95% certainty)"
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
        f"A student can find in the text, or choose from a few known ones, {reach.reachable:,} of {reach.values:,} "
        f"argument values ({reach.share:.1%}).",
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
