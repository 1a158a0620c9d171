"""Latency histograms with logarithmic buckets: small enough for a JSON column, sums of them stay exact."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping

FLOOR_MS = 0.01
GROWTH = 1.05
_LOG_GROWTH = math.log(GROWTH)


def bucket_of(ms: float) -> int:
    """The bucket of a latency in milliseconds. Bucket 0 ends at 0.01 ms; each later one is 5% wider."""
    return 0 if ms <= FLOOR_MS else math.ceil(math.log(ms / FLOOR_MS) / _LOG_GROWTH)


def upper_edge(bucket: int) -> float:
    """The largest latency, in milliseconds, that `bucket` holds."""
    return FLOOR_MS * GROWTH**bucket


def middle_of(bucket: int) -> float:
    """The latency in milliseconds that stands for all that `bucket` holds."""
    return upper_edge(bucket) / math.sqrt(GROWTH)


def merge(histograms: Iterable[Mapping[str, int]]) -> dict[int, int]:
    """The sum of histograms as `TrafficHour.latency_counts` stores them (bucket numbers as text)."""
    total: Counter[int] = Counter()
    for histogram in histograms:
        total.update({int(bucket): count for bucket, count in histogram.items()})
    return dict(total)


def quantile(counts: Mapping[int, int], q: float) -> float | None:
    """The `q`-quantile in milliseconds, within half a bucket (2.5%); None where nothing was counted."""
    rank = q * sum(counts.values())
    below = 0
    for bucket, count in sorted(counts.items()):
        below += count
        if count and below >= rank:
            return middle_of(bucket)
    return None
