"""The record of each request: one line in the spool before the answer leaves, once, and the counters beside it."""

from __future__ import annotations

from collections import Counter

from training.gateway.exchange import Exchange
from training.services.spool import AnswerRecord, Spool


class Recorder:
    """Nothing here waits for a database."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self.answered: Counter[tuple[str, str]] = Counter()
        """Requests by route and reason since the start, those without a user's text included."""

    def record(self, exchange: Exchange, status: int, answer: AnswerRecord | None = None) -> None:
        """Record this request; a second call for the same one changes nothing."""
        if exchange.recorded:
            return
        exchange.recorded = True
        kind = exchange.decision.reason.partition(":")[0]  # what follows may hold words of the query
        self.answered[exchange.decision.route, kind] += 1
        self._spool.append(exchange.record(status, answer))
