"""How often each key may ask, counted over all gateways, and when it was last used."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime

from training.gateway.envelope import ApiError
from training.selectors.snapshot import KeyEntry

RecordUse = Callable[[Mapping[int, int], datetime], dict[int, int]]
"""Adds this gateway's requests by key to those of the minute; returns the requests of all gateways."""


class RateLimits:
    """Counts requests by the minute of the clock.

    What other gateways saw is known by `exchange`: all together may let through what arrives between two of them
    more than a limit says. While PostgreSQL is away each gateway counts alone.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute: datetime | None = None
        self._mine: Counter[int] = Counter()
        self._of_others: dict[int, int] = {}
        self._unreported: dict[datetime, Counter[int]] = {}

    def admit(self, key: KeyEntry, at: datetime) -> None:
        """Count a request.

        Raises:
            ApiError: the key has used up its minute (429); the request is not counted.
        """
        minute = at.replace(second=0, microsecond=0)
        with self._lock:
            self._begin(minute)
            limit = key.requests_per_minute
            if limit is not None and self._mine[key.id] + self._of_others.get(key.id, 0) >= limit:
                raise _too_many(limit, 60 - at.second)
            self._mine[key.id] += 1
            self._unreported.setdefault(minute, Counter())[key.id] += 1

    def exchange(self, record_use: RecordUse) -> None:
        """Tell the database what was counted, and learn what other gateways counted. Runs beside the requests.

        Raises:
            Exception: whatever `record_use` raises; what was not told is told the next time.
        """
        with self._lock:
            waiting, self._unreported = self._unreported, {}
        while waiting:
            minute, requests = next(iter(waiting.items()))
            try:
                totals = record_use(requests, minute)
            except Exception:
                self._keep(waiting)
                raise
            del waiting[minute]
            self._learn(minute, totals)

    def _begin(self, minute: datetime) -> None:
        if minute != self._minute:
            self._minute, self._mine, self._of_others = minute, Counter(), {}

    def _keep(self, waiting: Mapping[datetime, Counter[int]]) -> None:
        with self._lock:
            for minute, requests in waiting.items():
                self._unreported.setdefault(minute, Counter()).update(requests)

    def _learn(self, minute: datetime, totals: Mapping[int, int]) -> None:
        with self._lock:
            if minute != self._minute:
                return
            unreported = self._unreported.get(minute, Counter())
            for pk, total in totals.items():
                self._of_others[pk] = total - (self._mine[pk] - unreported[pk])


def _too_many(limit: int, seconds: int) -> ApiError:
    return ApiError(
        429,
        f"This API key may send {limit} requests a minute; try again in {seconds} s.",
        code="rate_limit_exceeded",
        kind="rate_limit_error",
        retry_after=seconds,
    )
