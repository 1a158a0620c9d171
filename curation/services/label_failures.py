"""What the failures of a labelling job together mean: a query to give up, a teacher to wait for, or the end."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field

from curation.errors import OdiaError
from curation.services.label_backlog import Wanted
from curation.teachers.openai_api import RequestRefused, TeacherError, UnreadableAnswer

MOST_TRIES = 12
"""After so many failures of one query, while others are answered, it is given up."""
REFUSALS_IN_A_ROW = 20
"""So many queries given up, and none answered between: it is not the queries."""
PATIENCE_SECONDS = 600.0
"""Without any answer for so long, the job fails."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 30.0
NOT_ALLOWED = (401, 403)
TOO_MANY = 429


@dataclass
class Tries:
    """The failures of one request so far, the first at `failing_since`, in seconds of the monotonic clock; `pause` is
    the longest that follows the last one."""

    failing_since: float = 0.0
    failures: int = 0
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A query that was given up; an answer to another since then shows that the query is to blame, not the teacher."""

    wanted: Wanted
    reason: str
    since: float


@dataclass
class Failures:
    """The failures of a whole job. `doubtful` are the queries that the teacher may be to blame for as well.
    `answered_at` is 0 before the first answer; `heard_at` is what patience counts from."""

    heard_at: float = field(default_factory=time.monotonic)
    answered_at: float = 0.0
    problem: str = ""
    doubtful: list[GivenUp] = field(default_factory=list)

    def answered(self) -> None:
        """An answer came."""
        self.heard_at = self.answered_at = time.monotonic()

    def proven(self) -> list[GivenUp]:
        """The queries that were given up for good reason; each is returned once."""
        found = [given_up for given_up in self.doubtful if given_up.since < self.answered_at]
        self.doubtful = [given_up for given_up in self.doubtful if given_up not in found]
        return found

    def end(self) -> None:
        """Raises OdiaError: nothing has shown that the last queries that were given up are to blame."""
        if self.doubtful:
            last = "query" if len(self.doubtful) == 1 else f"{len(self.doubtful)} queries"
            reason = self.doubtful[-1].reason
            raise OdiaError(f"The teacher gave no usable answer to the last {last}, and none to others since: {reason}")

    def hear(self, wanted: Wanted, tries: Tries, error: TeacherError) -> bool:
        """Whether the query is given up.

        Raises:
            OdiaError: no other request would fare better.
        """
        now = time.monotonic()
        self.problem = str(error)
        if self._is_the_end(error):
            raise OdiaError(str(error)) from error
        if now - self.heard_at > PATIENCE_SECONDS:
            minutes = round(PATIENCE_SECONDS / 60)
            raise OdiaError(
                f"The teacher has answered nothing for {minutes} minutes, so the job ends; what it answered is kept. "
                f"Start it again when the teacher answers. {error}"
            ) from error
        if error.retry_after:  # it asks for so much patience
            self.heard_at = max(self.heard_at, now + error.retry_after)
        tries.failing_since = tries.failing_since or now
        tries.failures += error.status != TOO_MANY
        refused = _is_refusal(error)
        lost = refused or (tries.failures >= MOST_TRIES and self.answered_at > tries.failing_since)
        if lost:
            self.doubtful.append(GivenUp(wanted, str(error), now if refused else tries.failing_since))
        if len(self.doubtful) >= REFUSALS_IN_A_ROW:
            raise OdiaError(f"The teacher gave no usable answer to {REFUSALS_IN_A_ROW} queries in a row: {error}")
        return lost

    def _is_the_end(self, error: TeacherError) -> bool:
        """A key or an address that cannot be right. Once there were answers, a query may be what is not allowed."""
        if error.status in NOT_ALLOWED and self.answered_at:
            return False
        return not error.retryable and not isinstance(error, RequestRefused)


def pause_after(tries: Tries, error: TeacherError) -> float:
    """Exponential back-off with full jitter (Brooker, “Exponential Backoff And Jitter”, 2015), in seconds; at least
    what the teacher asks for, which takes the place of backing off."""
    if not (tries.pause and error.retry_after):
        tries.pause = min(2 * tries.pause or FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
    return (error.retry_after or 0.0) + random.uniform(0.0, tries.pause)


def _is_refusal(error: TeacherError) -> bool:
    """Of this very request, and for good."""
    refused = isinstance(error, RequestRefused) and not isinstance(error, UnreadableAnswer)
    return refused or error.status in NOT_ALLOWED
