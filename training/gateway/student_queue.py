"""Queries on their way to a student: those that arrive while it is busy are handed to it together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from queue import SimpleQueue
from threading import Thread

from training.gateway.students import Serving
from training.students.base import Prediction

LARGEST_BATCH = 8
"""How many queries share one way back to the event loop, and so wait for each other."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Waiting:
    """One query and where its answer goes; a request that was given up has cancelled it."""

    serving: Serving
    text: str
    answer: asyncio.Future[Prediction]


class StudentQueue:
    """Runs students in one thread, so that the event loop never waits for them. Used from one event loop.

    A query that finds the thread idle is read at once: nothing waits for others to come. What has come in the
    meantime is read in one go.
    """

    def __init__(self) -> None:
        self._queue: SimpleQueue[Waiting | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="student", daemon=True)

    async def predict(self, serving: Serving, text: str) -> Prediction:
        """The student's answer; a refusal where the student breaks."""
        if not self._thread.ident:
            self._thread.start()
        answer: asyncio.Future[Prediction] = asyncio.get_running_loop().create_future()
        self._queue.put(Waiting(serving, text, answer))
        return await answer

    def close(self) -> None:
        """End the thread, once it has answered what waits."""
        self._queue.put(None)
        if self._thread.ident:
            self._thread.join()

    def _run(self) -> None:
        closed = False
        while not closed:
            batch = [self._queue.get()]
            batch += [self._queue.get() for _ in range(min(self._queue.qsize(), LARGEST_BATCH - 1))]
            closed = None in batch
            _answer([item for item in batch if item and not item.answer.cancelled()])


def _answer(batch: Sequence[Waiting]) -> None:
    """Called in the student's thread."""
    answered: list[tuple[Waiting, Prediction]] = []
    for _, group in groupby(batch, key=lambda item: id(item.serving)):
        items = list(group)
        answered += zip(items, _predict(items[0].serving, [item.text for item in items]), strict=True)
    if answered:
        batch[0].answer.get_loop().call_soon_threadsafe(_settle, answered)


def _predict(serving: Serving, texts: Sequence[str]) -> list[Prediction]:
    """One prediction for each text. Where the student breaks on several, each gets a try of its own."""
    try:
        return [prediction for _, prediction in zip(texts, serving.student.predict(texts), strict=True)]
    except Exception:  # whatever a student does, the teacher still answers
        if len(texts) == 1:
            logger.exception("The student %s failed; the teacher answers instead.", serving.entry.version)
            return [Prediction(None, 0.0, "the student failed")]
    return [prediction for text in texts for prediction in _predict(serving, [text])]


def _settle(answered: Sequence[tuple[Waiting, Prediction]]) -> None:
    """Called in the event loop. A request may have been given up while its answer was on the way."""
    for item, prediction in answered:
        if not item.answer.done():
            item.answer.set_result(prediction)
