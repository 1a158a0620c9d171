"""A circuit breaker: stops asking a teacher that does not answer, and finds out on its own when it does again."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum

FAILURES = 10
"""So many in a row open it. One answer between them starts the count anew, so errors now and then never do."""
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 10.0

Clock = Callable[[], float]


class BreakerState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Breaker:
    """One teacher's breaker, for one event loop.

    Closed, it admits everything. After FAILURES failures in a row it opens and admits nothing for a pause. Then it is
    half-open: one attempt at a time is admitted as a probe. A probe that fails opens it again, for twice as long; the
    first success closes it.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._pause = FIRST_PAUSE_SECONDS
        self._probe_at = 0.0
        self._probe: Attempt | None = None
        self._closed_since: object = object()
        self.state = BreakerState.CLOSED

    @property
    def retry_after(self) -> float:
        """Seconds until it is worth asking again."""
        return max(0.0, self._probe_at - self._clock())

    def admit(self) -> Attempt | None:
        """A new attempt, which must be settled; None if the teacher is not to be asked now."""
        if self.state is BreakerState.CLOSED:
            return Attempt(self, self._closed_since)
        if self._probe or self._clock() < self._probe_at:
            return None
        self.state = BreakerState.HALF_OPEN
        self._probe = Attempt(self, None)
        return self._probe

    def succeeded(self) -> None:
        """Called by an attempt: the teacher answers, whichever attempt has found out."""
        self._failures = 0
        if self.state is not BreakerState.CLOSED:
            self.state, self._probe = BreakerState.CLOSED, None
            self._pause, self._closed_since = FIRST_PAUSE_SECONDS, object()

    def failed(self, attempt: Attempt) -> None:
        """Called by an attempt. Failures of attempts from before the last opening tell nothing new."""
        if attempt is self._probe:
            self._open(min(2 * self._pause, LONGEST_PAUSE_SECONDS))
        elif self.state is BreakerState.CLOSED and attempt.closed_since is self._closed_since:
            self._failures += 1
            if self._failures >= FAILURES:
                self._open(FIRST_PAUSE_SECONDS)

    def dropped(self, attempt: Attempt) -> None:
        """Called by an attempt: it ended without showing anything, so the next one may probe at once."""
        if attempt is self._probe:
            self.state, self._probe = BreakerState.OPEN, None

    def _open(self, pause: float) -> None:
        self.state, self._probe = BreakerState.OPEN, None
        self._pause, self._probe_at = pause, self._clock() + pause


class Attempt:
    """One request to the teacher, to be settled in one of three ways; all but the first settlement change nothing."""

    __slots__ = ("_breaker", "_settled", "closed_since")

    def __init__(self, breaker: Breaker, closed_since: object) -> None:
        self._breaker = breaker
        self._settled = False
        self.closed_since = closed_since

    def succeeded(self) -> None:
        """It answered."""
        if self._settle():
            self._breaker.succeeded()

    def failed(self) -> None:
        """It did not answer."""
        if self._settle():
            self._breaker.failed(self)

    def dropped(self) -> None:
        """Nobody waited for its end."""
        if self._settle():
            self._breaker.dropped(self)

    def _settle(self) -> bool:
        first, self._settled = not self._settled, True
        return first
