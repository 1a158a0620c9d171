"""The record of each request: one line in the spool before the answer leaves, once, and the metrics beside it."""

from __future__ import annotations

import asyncio

from training.gateway.envelope import ApiError
from training.gateway.exchange import Exchange
from training.gateway.metrics import Metrics
from training.services.masking import masked
from training.services.records import AnswerRecord
from training.services.spool import Spool


class Recorder:
    """Nothing here waits for a database."""

    def __init__(self, spool: Spool, metrics: Metrics) -> None:
        self._spool = spool
        self._metrics = metrics

    def record(self, exchange: Exchange, status: int, answer: AnswerRecord | None = None) -> None:
        """Record this request; a second call for the same one changes nothing."""
        if exchange.recorded:
            return
        exchange.recorded = True
        record = exchange.record(status, answer)
        self._spool.append(masked(record) if exchange.application.mask_personal else record)
        kind = exchange.decision.reason.partition(":")[0]  # what follows may hold words of the query
        # The answer is on its way first: nobody waits for a metric.
        asyncio.get_running_loop().call_soon(self._metrics.answered, exchange, status, kind)

    def refused(self, error: ApiError) -> None:
        """Count a request that was refused before anything was decided about it."""
        self._metrics.refused(error)
