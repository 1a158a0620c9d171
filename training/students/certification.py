"""The threshold that is proven to keep the disagreement low (Angelopoulos et al., "Learn then Test", 2021).

Thresholds are tested in a fixed sequence from the strictest down. The permitted chance of error is not all staked
on the first: part of it enters at each of four starts, and is carried on from threshold to threshold as long as
they pass (the fallback procedure: Wiens and Dmitrienko, 2005), so that one unlucky answer among the most confident
does not end the search.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta

CONFIDENCE = 0.95
STARTS = ((0.15, 0.3), (0.3, 0.3), (0.45, 0.2), (0.6, 0.2))
"""Each start: the share of the answers that its threshold accepts, and its share of the chance of error."""
STEPS = 64


@dataclass(frozen=True, slots=True)
class Certificate:
    """`bound` is the upper bound at the threshold; `more_needed` counts calibration examples where there is none.

    `more_needed` is None, too, where no number of examples would do: the ranking itself is not good enough.
    """

    threshold: float | None
    bound: float | None
    more_needed: int | None


def upper_bound(wrong: float, total: float, confidence: float = CONFIDENCE) -> float:
    """The Clopper-Pearson upper bound on a share of which `wrong` of `total` were seen."""
    if wrong >= total:
        return 1.0
    return float(beta.ppf(confidence, wrong + 1, total - wrong))


def certify(confidences: np.ndarray, agrees: np.ndarray, epsilon: float, confidence: float = CONFIDENCE) -> Certificate:
    """The lowest threshold proven to disagree on at most epsilon of the accepted answers.

    The sequence is laid on the confidences alone, before it is seen which answers agree: the first threshold
    accepts 15% of the answers, or as many as could pass with one error, each next one a little more.
    With the stated confidence, the bound holds at every threshold that passed, whichever is picked. Refused
    queries have the confidence 0 and are never accepted.
    """
    order = np.argsort(-confidences, kind="stable")
    ranked, wrong = confidences[order], np.cumsum(~agrees[order])
    picked: Certificate | None = None
    counts = _sequence(ranked, epsilon, confidence)
    stakes = _stakes(counts, int((ranked > 0).sum()), 1 - confidence)
    staked = 0.0
    for count, stake in zip(counts, stakes, strict=True):
        staked += stake
        bound = upper_bound(float(wrong[count - 1]), count, 1 - staked) if staked else 1.0
        if bound <= epsilon:
            picked = Certificate(float(ranked[count - 1]), bound, None)
        else:
            staked = 0.0
    return picked or Certificate(None, None, _more_needed(ranked, wrong, counts, epsilon, confidence))


def _stakes(counts: list[int], answered: int, chance: float) -> list[float]:
    """What each threshold adds to the chance of error of those before it; the sum is `chance`."""
    stakes = [0.0] * len(counts)
    for share, part in STARTS:
        start = next((index for index, count in enumerate(counts) if count >= share * answered), None)
        if start is not None:
            stakes[start] += part * chance
    return stakes


def least_accepted(epsilon: float, confidence: float = CONFIDENCE) -> int:
    """How many answers without one error prove a disagreement of at most epsilon."""
    return math.ceil(math.log(1 - confidence) / math.log1p(-epsilon))


def _sequence(ranked: np.ndarray, epsilon: float, confidence: float) -> list[int]:
    """Numbers of answers accepted along the sequence; ties are accepted together."""
    answered = int((ranked > 0).sum())
    first = max(_least_with_one_error(epsilon, confidence), round(STARTS[0][0] * answered))
    if first > answered:
        first = least_accepted(epsilon, confidence)
    if first > answered:
        return []
    counts = np.linspace(first, answered, STEPS).round().astype(int)
    return sorted({int(np.searchsorted(-ranked, -ranked[count - 1], side="right")) for count in counts})


def _least_with_one_error(epsilon: float, confidence: float) -> int:
    """How many answers pass with one error among them where half of the chance of error is staked."""
    staked = (1 + confidence) / 2
    return _least(lambda count: upper_bound(1, count, staked) <= epsilon, least_accepted(epsilon, confidence))


def _least(passes: Callable[[int], bool], start: int) -> int:
    """The least number from `start` that passes, where all above it do."""
    low = high = start
    while not passes(high):
        low, high = high + 1, high * 2
    return bisect_left(range(low, high), True, key=passes) + low


def _more_needed(
    ranked: np.ndarray, wrong: np.ndarray, counts: list[int], epsilon: float, confidence: float
) -> int | None:
    """The fewest more examples, like those seen, with which some threshold would pass.

    Along a sequence, a threshold may have to pass on the smallest of the stakes alone.
    """
    if counts:
        confidence = 1 - (1 - confidence) * min(part for _, part in STARTS)
    answered = int((ranked > 0).sum())
    if not answered:
        return None
    shares = [(count, wrong[count - 1] / count) for count in counts or [answered]]
    needed = [_examples_needed(share, count / len(ranked), epsilon, confidence) for count, share in shares]
    return min((max(1, number - len(ranked)) for number in needed if number is not None), default=None)


def _examples_needed(share: float, accepted: float, epsilon: float, confidence: float) -> int | None:
    if share >= epsilon:
        return None
    low, high = 1, least_accepted(epsilon, confidence)
    while upper_bound(share * high, high, confidence) > epsilon:
        high *= 2
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if upper_bound(share * middle, middle, confidence) <= epsilon else (middle + 1, high)
    return math.ceil(low / accepted)
