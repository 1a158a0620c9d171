"""One request on its way through the gateway: what is known, measured and decided about it so far."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from curation.identifiers import chance_of, new_id
from curation.ml.calls import Call
from curation.models.traffic import INLINE_ROUTES
from training.gateway.envelope import Headers
from training.gateway.form import ChatRequest
from training.gateway.offered_tools import OfferedTools
from training.selectors.snapshot import ApplicationEntry
from training.services.records import AnswerRecord, RequestRecord

AUDIT_SHARE_AFTER_CHANGE = 0.2
"""A new tool may take over what a student's function did: its answers are looked at more often then."""


@dataclass(frozen=True, slots=True)
class Decision:
    """How the request is answered and why. `call` is the student's, whether it is sent or not."""

    route: str
    reason: str
    student: str = ""
    call: Call | None = None
    confidence: float | None = None
    threshold: float | None = None
    changed_tools: bool = False
    """Whether the request offers other tools than the student was trained on."""

    @property
    def inline(self) -> bool:
        """Whether the student's call is the answer."""
        return self.call is not None and self.route in INLINE_ROUTES


class Stopwatch:
    """Milliseconds spent in each step. Times are measured on the monotonic clock."""

    def __init__(self) -> None:
        self.arrived_at = datetime.now(UTC)
        self.steps: dict[str, float] = {}
        self._started = self._lapped = time.perf_counter()

    def lap(self, step: str) -> None:
        """All time since the last lap went into this step."""
        now = time.perf_counter()
        self.steps[step] = round((now - self._lapped) * 1000, 3)
        self._lapped = now

    @property
    def total_ms(self) -> float:
        return round((time.perf_counter() - self._started) * 1000, 3)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that bears a valid key and has the right form."""

    watch: Stopwatch
    application: ApplicationEntry
    key_id: int
    chat: ChatRequest
    tools: OfferedTools | None


@dataclass(slots=True)
class Exchange:
    """A request with the decision about it."""

    asked: Asked
    decision: Decision
    id: UUID = field(init=False)
    recorded: bool = False
    """Whether its line stands in the spool."""

    def __post_init__(self) -> None:
        self.id = new_id(self.watch.arrived_at)

    @property
    def watch(self) -> Stopwatch:
        return self.asked.watch

    @property
    def application(self) -> ApplicationEntry:
        return self.asked.application

    @property
    def chat(self) -> ChatRequest:
        return self.asked.chat

    @property
    def audit(self) -> bool:
        """Whether the teacher shall be asked about the answer, by chance that the request's identifier holds."""
        share = self.application.policy.audit_share
        if self.decision.changed_tools and share:
            share = max(share, AUDIT_SHARE_AFTER_CHANGE)
        return self.decision.inline and chance_of(self.id) < share

    @property
    def headers(self) -> Headers:
        """What the answer says about its way."""
        decision = self.decision
        timing = ", ".join(f"{step};dur={ms}" for step, ms in self.watch.steps.items())
        headers = [
            (b"x-odia-route", decision.route.encode()),
            (b"x-odia-request-id", str(self.id).encode()),
            (b"server-timing", timing.encode()),
        ]
        if decision.student:
            headers.append((b"x-odia-student", decision.student.encode()))
        if decision.confidence is not None:
            headers.append((b"x-odia-confidence", f"{decision.confidence:.4f}".encode()))
        return headers

    def record(self, status: int, answer: AnswerRecord | None) -> RequestRecord:
        """The line that goes to the spool."""
        decision, chat, tools, audit = self.decision, self.chat, self.asked.tools, self.audit
        return RequestRecord(
            id=self.id,
            application_id=self.application.id,
            key_id=self.asked.key_id,
            arrived_at=self.watch.arrived_at,
            route=decision.route,
            reason=decision.reason,
            total_ms=self.watch.total_ms,
            status=status,
            text=chat.query.text if chat.query else None,
            context=chat.query.context if chat.query else [],
            client_id=chat.client_id,
            tool_set=tools.sha256 if tools else "",
            tools=tools.tools if tools else None,
            student=decision.student,
            call=decision.call,
            confidence=decision.confidence,
            threshold=decision.threshold,
            steps=self.watch.steps,
            answer=answer,
            audit=audit,
            request=chat.repeatable() if audit else None,
        )
