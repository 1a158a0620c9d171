"""What a training tells of itself while it runs."""

from __future__ import annotations

import time

from training.students.base import Progress, ProgressCallback
from training.students.memory import memory_taken

REPORT_SECONDS = 2.0
KEPT = 0.95
"""Of the smoothed loss and accuracy, at each step."""
Curve = list[dict[str, float]]


def silent(progress: Progress) -> None:
    """For the processes of a training that tell nobody."""


class Reporter:
    """Reports a smoothed loss and accuracy every few seconds, with the memory taken and the time left, and adds them
    to the curve.

    `done` of `total` steps were taken before, by the run that left the checkpoint.
    """

    def __init__(self, progress: ProgressCallback, done: int, total: int, curve: Curve) -> None:
        self._progress = progress
        self._first = self._done = done
        self._total = total
        self._curve = curve
        self._started = self._last = time.monotonic()
        self._loss = self._right = 0.0

    def step(self, epoch: int, loss: float, right: float) -> None:
        """`right` is the share of the batch whose answer, function or refusal, was right."""
        kept = 0.0 if self._done == self._first else KEPT
        self._loss = kept * self._loss + (1 - kept) * loss
        self._right = kept * self._right + (1 - kept) * right
        self._done += 1
        if time.monotonic() - self._last >= REPORT_SECONDS or self._done in (self._first + 1, self._total):
            self._report(epoch)

    def _report(self, epoch: int) -> None:
        self._last = time.monotonic()
        left = (self._last - self._started) / (self._done - self._first) * (self._total - self._done)
        metrics = {"step": float(self._done), "loss": self._loss, "answer_accuracy": self._right, **memory_taken()}
        self._curve.append(metrics)
        message = f"epoch {epoch}, loss {self._loss:.3f}, {left:.0f} s left"
        self._progress(Progress("training", self._done / self._total, message, {**metrics, "seconds_left": left}))
