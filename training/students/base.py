"""What all student families share: the records they learn from, what they predict, how they report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from curation.ml.calls import Call

Route = Literal["simple", "complex", "no_call"]
UNREADABLE = "the query is empty or too long"
"""Why a student of any family refuses such a query."""


@dataclass(frozen=True, slots=True)
class Example:
    """One query with its reference call.

    `route` says what a student should do with it: answer (*simple*), or refuse because it is *complex* (outside
    the approved clusters; `call` still holds the teacher's call, if any) or because the reference is *no_call*.
    `weight` counts how often the query came.
    """

    id: str
    query: str
    call: Call | None
    route: Route
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Prediction:
    """A student's answer to one query. `confidence` is the gate's chance (0 to 1) that the call agrees.

    `call` is None when the student refuses. `reason` names why it refuses, empty otherwise.
    """

    call: Call | None
    confidence: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """One report of a training under way. `fraction` is 0 to 1; `metrics` are points of the curves."""

    phase: str
    fraction: float
    message: str = ""
    metrics: dict[str, float] | None = None


class ProgressCallback(Protocol):
    """Called every few steps. It may raise `RunCancelled`, which ends the training at once."""

    def __call__(self, progress: Progress, /) -> None: ...


class RunCancelled(Exception):
    """Somebody asked the run to stop."""


class TrainingError(ValueError):
    """The examples cannot be learned from; the message says what is wrong and what to do."""


class TrainingBrokenOff(RuntimeError):
    """A training did not come to its end, though the examples can be learned from; the message says why."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a student reads out of one query: a call, or the reason why there is none.

    `features` [features] are what the gate judges the call by, in the order of its family; None without a call.
    """

    call: Call | None
    reason: str = ""
    features: np.ndarray | None = None


class Reader(Protocol):
    """A trained student before its gate."""

    features: tuple[str, ...]
    """The names of `Decoded.features`."""

    def __call__(self, query: str, /) -> Decoded: ...


LEAST_EXAMPLES = 20


def check_enough(answerable: int) -> None:
    """Raises TrainingError where the simple queries with a call that a student can make are too few to learn from."""
    if answerable < LEAST_EXAMPLES:
        raise TrainingError(
            f"Only {answerable} training examples are simple queries with a call that a student can make; "
            f"at least {LEAST_EXAMPLES} are needed. Approve more clusters or import more traffic."
        )


class Student(Protocol):
    """A trained student, ready to answer. Loading and answering never import torch."""

    version: str
    tool_set_sha256: str
    threshold: float | None
    """The certified threshold on `Prediction.confidence`; None where no threshold meets epsilon."""

    def predict(self, queries: Sequence[str]) -> list[Prediction]: ...
