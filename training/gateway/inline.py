"""The decision over one request: eligibility, memo, student, gate."""

from __future__ import annotations

from curation.ml.calls import Call
from curation.models.traffic import Route
from training.gateway.champions import Champion, Champions
from training.gateway.eligibility import tool_choice_allows, why_not
from training.gateway.exchange import Decision, Stopwatch
from training.gateway.form import ChatRequest
from training.gateway.offered_tools import OfferedTools
from training.gateway.student_queue import StudentQueue
from training.selectors.snapshot import ApplicationEntry
from training.students.base import Prediction


class InlineRouter:
    """Asks the champion where it may answer."""

    def __init__(self, champions: Champions) -> None:
        self._champions = champions
        self._students = StudentQueue()

    async def decide(
        self, chat: ChatRequest, tools: OfferedTools | None, application: ApplicationEntry, watch: Stopwatch
    ) -> Decision:
        champion = self._champions.of(application.id)
        reason = _why_not_inline(application, champion)
        if champion is None or reason:
            return Decision(Route.TEACHER, reason)
        refusal = why_not(chat, tools, application.policy, champion.entry.tool_set_sha256)
        watch.lap("eligibility")
        if refusal or chat.query is None:
            return Decision(Route.TEACHER, refusal or chat.no_query)
        known = champion.student.memo.lookup(chat.query.text)
        watch.lap("memo")
        if known and not _why_not_call(known, chat, application):
            return Decision(Route.MEMO, "seen before", champion.entry.version, known)
        prediction = await self._students.predict(champion, chat.query.text)
        watch.lap("student")
        return _gate(prediction, champion, chat, application)

    def close(self) -> None:
        self._students.close()


def _why_not_inline(application: ApplicationEntry, champion: Champion | None) -> str:
    if not application.policy.inline:
        return "inline answers are switched off"
    if application.champion is None:
        return "there is no champion"
    if champion is None:
        return "the champion is not loaded"
    return "" if champion.entry.threshold is not None else "the champion has no certified threshold"


def _why_not_call(call: Call, chat: ChatRequest, application: ApplicationEntry) -> str | None:
    if call.name in application.policy.switched_off:
        return "the function is switched off"
    if not tool_choice_allows(chat.value("tool_choice"), call.name):
        return "tool_choice does not allow the call"
    return None


def _gate(prediction: Prediction, champion: Champion, chat: ChatRequest, application: ApplicationEntry) -> Decision:
    entry, call, confidence = champion.entry, prediction.call, prediction.confidence
    if call is None:
        refusal = prediction.reason or "the student made no call"
    elif entry.threshold is None or not confidence >= entry.threshold:
        refusal = "the confidence is below the threshold"
    else:
        refusal = _why_not_call(call, chat, application) or ""
    route = Route.FALLBACK if refusal else Route.STUDENT
    reason = refusal or "the confidence reaches the threshold"
    return Decision(route, reason, entry.version, call, confidence, entry.threshold)
