"""The challenger in the shadow: asked beside the request, its answers recorded and never sent."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from training.gateway.eligibility import why_not
from training.gateway.exchange import Exchange
from training.gateway.student_queue import StudentQueue
from training.gateway.students import Serving, Students
from training.services.masking import masked_shadow
from training.services.records import ShadowRecord
from training.services.spool import Spool
from training.students.base import Prediction

MOST_WAITING = 64
"""A challenger that is slower than the traffic sees a part of it."""


class Shadows:
    """No request waits for a shadow: it has a thread of its own, and a request's answer leaves without it."""

    def __init__(self, students: Students, spool: Spool) -> None:
        self._students = students
        self._spool = spool
        self._queue = StudentQueue()
        self._tasks: set[asyncio.Task[None]] = set()

    def follow(self, exchange: Exchange) -> None:
        """Ask the challenger too, if this application's is shadowed and could answer."""
        if not exchange.application.policy.shadow or len(self._tasks) >= MOST_WAITING:
            return
        serving = self._students.challenger_of(exchange.application.id)
        if serving is None or exchange.decision.student == serving.entry.version:
            return
        asked = exchange.asked
        if asked.chat.query and not why_not(asked.chat, asked.tools, asked.application.policy, serving):
            task = asyncio.create_task(self._record(exchange, serving, asked.chat.query.text))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Let those that were begun end."""
        await asyncio.gather(*self._tasks)
        self._queue.close()

    async def _record(self, exchange: Exchange, serving: Serving, text: str) -> None:
        known = serving.student.memo.lookup(text)
        prediction = Prediction(known, 1.0) if known else await self._queue.predict(serving, text)
        record = ShadowRecord(
            shadow_of=exchange.id,
            application_id=exchange.application.id,
            student=serving.entry.version,
            answered_at=datetime.now(UTC),
            call=prediction.call,
            confidence=prediction.confidence,
            threshold=serving.entry.threshold,
            client_id=exchange.chat.client_id,
        )
        self._spool.append(masked_shadow(record, text) if exchange.application.mask_personal else record)
