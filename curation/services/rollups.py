"""Sums per hour of traffic, kept while it is written, so that pages never scan queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from curation.models import TrafficHour
from curation.selectors.histogram import bucket_of

LOCK = 0x0D1A_0002


class HourKey(NamedTuple):
    """Which row of the sums."""

    application_id: int
    hour: datetime
    route: str
    source: str


@dataclass(slots=True)
class HourSums:
    """What is added to one row. Latencies are in milliseconds."""

    requests: int = 0
    latency_sum_ms: float = 0.0
    latency_counts: Counter[int] = field(default_factory=Counter)
    audited: int = 0
    picked: int = 0
    picked_disagreed: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def add_request(self, latency_ms: float | None) -> None:
        self.requests += 1
        if latency_ms is not None:
            self.latency_sum_ms += latency_ms
            self.latency_counts[bucket_of(latency_ms)] += 1


def add_to_hours(hours: Mapping[HourKey, HourSums]) -> None:
    """Add these sums to their rows. Must run in the transaction that writes the traffic itself."""
    if not hours:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    existing = {
        HourKey(row.application_id, row.hour, row.route, row.source): row
        for row in TrafficHour.objects.filter(
            application_id__in={key.application_id for key in hours},
            hour__gte=min(key.hour for key in hours),
            hour__lte=max(key.hour for key in hours),
        )
    }
    rows = [existing.get(key) or TrafficHour(**key._asdict()) for key in hours]
    for row, sums in zip(rows, hours.values(), strict=True):
        _add(row, sums)
    TrafficHour.objects.bulk_create([row for row in rows if row.pk is None])
    TrafficHour.objects.bulk_update([row for row in rows if row.pk], list(HourSums.__slots__), batch_size=200)


def _add(row: TrafficHour, sums: HourSums) -> None:
    row.requests += sums.requests
    row.latency_sum_ms += sums.latency_sum_ms
    counts = Counter({int(bucket): count for bucket, count in row.latency_counts.items()}) + sums.latency_counts
    row.latency_counts = {str(bucket): count for bucket, count in sorted(counts.items())}
    row.audited += sums.audited
    row.picked += sums.picked
    row.picked_disagreed += sums.picked_disagreed
    row.prompt_tokens += sums.prompt_tokens
    row.completion_tokens += sums.completion_tokens
