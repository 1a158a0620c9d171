"""The decision over one request: which student, eligibility, memo, student, gate, post-check."""

from __future__ import annotations

from curation.models.traffic import Route
from training.gateway.eligibility import changed_tools, why_not, why_not_call
from training.gateway.exchange import Asked, Decision
from training.gateway.student_queue import StudentQueue
from training.gateway.students import Serving, Students
from training.selectors.canary import place_of_user
from training.selectors.snapshot import StudentEntry
from training.students.base import Prediction


class InlineRouter:
    """Asks the champion, or for a part of the users the challenger, where it may answer."""

    def __init__(self, students: Students) -> None:
        self._students = students
        self._queue = StudentQueue()

    async def decide(self, asked: Asked) -> Decision:
        chosen = self._choose(asked)
        if isinstance(chosen, str):
            return Decision(Route.TEACHER, chosen)
        refusal = why_not(asked.chat, asked.tools, asked.application.policy, chosen)
        asked.watch.lap("eligibility")
        if refusal or asked.chat.query is None:
            return Decision(Route.TEACHER, refusal or asked.chat.no_query)
        return await self._ask(chosen, asked, asked.chat.query.text)

    def close(self) -> None:
        self._queue.close()

    def _choose(self, asked: Asked) -> Serving | str:
        """The student to ask, or why there is none."""
        application = asked.application
        if not application.policy.inline:
            return "inline answers are switched off"
        challenger = self._students.challenger_of(application.id)
        if in_canary(asked) and challenger and not _why_not_student(application.challenger, challenger):
            return challenger
        champion = self._students.champion_of(application.id)
        return _why_not_student(application.champion, champion) or champion or "there is no champion"

    async def _ask(self, serving: Serving, asked: Asked, text: str) -> Decision:
        policy, entry = asked.application.policy, serving.entry
        careful = asked.tools is not None and changed_tools(asked.tools, serving)
        known = serving.student.memo.lookup(text)
        asked.watch.lap("memo")
        if known and not why_not_call(known, asked.chat, asked.tools, policy, serving):
            return Decision(Route.MEMO, "seen before", entry.version, known, changed_tools=careful)
        prediction = await self._queue.predict(serving, text)
        asked.watch.lap("student")
        refusal = _why_not_prediction(prediction, asked, serving)
        return Decision(
            Route.FALLBACK if refusal else Route.STUDENT,
            refusal or "the confidence reaches the threshold",
            entry.version,
            prediction.call,
            prediction.confidence,
            entry.threshold,
            changed_tools=careful,
        )


def in_canary(asked: Asked) -> bool:
    """Whether the request is on the challenger's side: always the same for a user, or for a key that names none."""
    share = asked.application.policy.canary_share
    return share > 0 and place_of_user(asked.application.id, asked.chat.client_id or asked.key_id) < share


def _why_not_student(entry: StudentEntry | None, serving: Serving | None) -> str:
    """Why it answers nothing at all. The entry is the snapshot's word on it, which a switch-off changes at once."""
    if entry is None:
        return "there is no champion"
    if serving is None:
        return "the champion is not loaded"
    if entry.stopped:
        return "the audits switched the student off"
    return "" if serving.entry.threshold is not None else "the champion has no certified threshold"


def _why_not_prediction(prediction: Prediction, asked: Asked, serving: Serving) -> str | None:
    """The gate and the post-check: whether the call is sure enough, and may be sent to this request."""
    call, threshold = prediction.call, serving.entry.threshold
    if call is None:
        return prediction.reason or "the student made no call"
    if threshold is None or not prediction.confidence >= threshold:
        return "the confidence is below the threshold"
    return why_not_call(call, asked.chat, asked.tools, asked.application.policy, serving)
