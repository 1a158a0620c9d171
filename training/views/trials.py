"""What the routing would do with an utterance, step by step, beside the teacher's answer. Nothing is recorded."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

import httpx
from asgiref.sync import async_to_sync

from curation.errors import OdiaError
from curation.ml.calls import Call, same_call
from curation.ml.tools import hash_functions
from curation.models import Application, Teacher, ToolSetVersion
from curation.models.traffic import INLINE_ROUTES, Route
from curation.selectors.tool_sets import current_tool_set
from curation.teachers.openai_api import TeacherAnswer, TeacherEndpoint, TeacherError, ask
from curation.teachers.secrets import SecretError, read_key
from training.models import RoutingPolicy, Student, SwitchOff
from training.models.audits import WHOLE
from training.models.promotions import AliasName
from training.selectors.aliases import aliases_of
from training.selectors.canary import place_of_user
from training.services.evaluations import serve
from training.services.policies import policy_of
from training.students.base import Prediction
from training.students.serving import ServedStudent

Outcome = Literal["passed", "missed", "stopped", "skipped"]
"""Missed: the memo does not know the query. Stopped: from here on it is the teacher's. Skipped: not needed."""

LONGEST_WAIT_SECONDS = 20.0
STUDENTS_KEPT = 4


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the routing and why it went as it did; `took_ms` in milliseconds."""

    name: str
    outcome: Outcome
    sentence: str
    took_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides beside the student itself: functions that are switched off, and functions as it learned them."""

    off_by_policy: frozenset[str]
    off_by_audits: frozenset[str]
    unchanged: frozenset[str]

    def why_not(self, function: str) -> str:
        """Why a call of this function is left to the teacher; empty if it is not."""
        if function in self.off_by_policy:
            return f"{function} is switched off in the settings."
        if function in self.off_by_audits:
            return f"The audits have switched {function} off."
        return "" if function in self.unchanged else f"{function} is not offered as the student learned it."


@dataclass(slots=True)
class Trial:
    """The course of one utterance. `route` is the one that the gateway would take."""

    text: str
    steps: list[Step] = field(default_factory=list)
    route: str = Route.TEACHER
    student: str = ""
    asked: bool = False
    call: Call | None = None
    prediction: Prediction | None = None
    threshold: float | None = None
    teacher: TeacherAnswer | None = None
    teacher_problem: str = ""
    agrees: bool | None = None

    @property
    def answered_inline(self) -> bool:
        return self.route in INLINE_ROUTES

    @property
    def inline_ms(self) -> float:
        """All time up to the decision."""
        return sum(step.took_ms or 0.0 for step in self.steps if step.name != "Teacher")


def try_utterance(application: Application, text: str, user: str = "") -> Trial:
    """Route a user's utterance as the gateway would, and ask the teacher in any case, for comparison."""
    trial = Trial(text)
    policy, offered = policy_of(application), current_tool_set(application)
    student = _choose(trial, application, policy, user)
    try:
        served = load_served(student.version) if student else None
    except OdiaError as error:
        trial.steps.append(Step("Eligibility", "stopped", str(error)))
    else:
        _route(trial, offered, student, served, policy)
    _ask_teacher(trial, application, offered)
    _compare(trial, application, offered)
    return trial


@lru_cache(maxsize=STUDENTS_KEPT)
def load_served(version: str) -> ServedStudent:
    return serve(Student.objects.get(version=version))


def _choose(trial: Trial, application: Application, policy: RoutingPolicy, user: str) -> Student | None:
    """The champion, or where a canary runs and the user is on its side, the challenger."""
    students = aliases_of(application)
    champion, challenger = students.get(AliasName.CHAMPION), students.get(AliasName.CHALLENGER)
    if challenger is None or not policy.canary_share:
        return champion
    if not user:
        trial.steps.append(Step("Canary", "skipped", "No user is named: such a request goes by its key. Champion."))
        return champion
    stopped = challenger.threshold is None or WHOLE in _switched_off(challenger)
    taken = place_of_user(application.pk, user) < policy.canary_share and not stopped
    side = f"{user} is on the {'challenger' if taken else 'champion'}’s side, as always."
    trial.steps.append(Step("Canary", "passed" if taken else "missed", side))
    return challenger if taken else champion


def _switched_off(student: Student) -> frozenset[str]:
    off = SwitchOff.objects.filter(student=student, lifted_at=None)
    return frozenset(off.values_list("function", flat=True))


def _route(
    trial: Trial,
    offered: ToolSetVersion | None,
    student: Student | None,
    served: ServedStudent | None,
    policy: RoutingPolicy,
) -> None:
    started = time.perf_counter()
    rules = _rules(offered, student, policy)
    reason = _why_not_inline(student, policy, rules)
    sentence = reason or "A student may answer: inline answers are on, and it knows the tools offered."
    trial.steps.append(Step("Eligibility", "stopped" if reason else "passed", sentence, _since(started)))
    if reason or student is None or served is None:
        return
    trial.student, trial.threshold = student.version, student.threshold
    _ask_student(trial, served, rules)


def _rules(offered: ToolSetVersion | None, student: Student | None, policy: RoutingPolicy) -> Rules:
    now = hash_functions(offered.tools) if offered else {}
    learned = hash_functions(student.tool_set.tools) if student else {}
    unchanged = frozenset(name for name, sha256 in learned.items() if now.get(name) == sha256)
    return Rules(frozenset(policy.switched_off), _switched_off(student) if student else frozenset(), unchanged)


def _why_not_inline(student: Student | None, policy: RoutingPolicy, rules: Rules) -> str:
    if not policy.inline:
        return "Inline answers are switched off in the settings."
    if student is None:
        return "There is no champion."
    if student.threshold is None:
        return f"{student} has no certified threshold."
    if WHOLE in rules.off_by_audits:
        return f"The audits have switched {student} off."
    if not rules.unchanged:
        return f"{student} was not trained on the tools that the application offers now."
    return ""


def _ask_student(trial: Trial, served: ServedStudent, rules: Rules) -> None:
    """Memo, then student, then gate."""
    started = time.perf_counter()
    remembered = served.memo.lookup(trial.text)
    hit = remembered is not None and not rules.why_not(remembered.name)
    sentence = "Seen before, always with the same call." if hit else "Not among the queries known by heart."
    trial.steps.append(Step("Memo", "passed" if hit else "missed", sentence, _since(started)))
    trial.asked = True
    if hit:
        trial.route, trial.call = Route.MEMO, remembered
        trial.steps += [Step("Student", "skipped", "Not needed."), Step("Gate", "skipped", "Not needed.")]
        return
    trial.route = Route.FALLBACK
    started = time.perf_counter()
    [trial.prediction] = served.predict([trial.text])
    trial.call = trial.prediction.call
    if trial.call is None:
        refusal = f"It refuses: {trial.prediction.reason or 'it made no call'}."
        trial.steps.append(Step("Student", "stopped", refusal, _since(started)))
        trial.steps.append(Step("Gate", "skipped", "Nothing to judge."))
    else:
        trial.steps.append(Step("Student", "passed", f"It calls {trial.call.name}.", _since(started)))
        _pass_gate(trial, trial.call, trial.prediction.confidence, rules)


def _pass_gate(trial: Trial, call: Call, confidence: float, rules: Rules) -> None:
    started = time.perf_counter()
    threshold = trial.threshold
    refusal = rules.why_not(call.name)
    sure = threshold is not None and confidence >= threshold
    passed = sure and not refusal
    sentence = f"Confidence {confidence:.3f} {'reaches' if sure else 'is below'} the threshold {threshold:.3f}."
    trial.route = Route.STUDENT if passed else Route.FALLBACK
    trial.steps.append(Step("Gate", "passed" if passed else "stopped", refusal or sentence, _since(started)))


def _ask_teacher(trial: Trial, application: Application, offered: ToolSetVersion | None) -> None:
    """The teacher is asked in any case. A teacher that is down or slow leaves a sentence."""
    tools = offered.tools if offered else None
    try:
        teacher = Teacher.objects.get(application=application)
        trial.teacher = async_to_sync(_answer)(teacher, trial.text, tools)
    except Teacher.DoesNotExist:
        trial.teacher_problem = "No teacher is set for this application; set one in the settings."
    except (SecretError, TeacherError) as error:
        trial.teacher_problem = str(error)
    except TimeoutError:
        trial.teacher_problem = f"The teacher did not answer within {LONGEST_WAIT_SECONDS:.0f} seconds."
    trial.steps.append(_teacher_step(trial))


def _teacher_step(trial: Trial) -> Step:
    if trial.teacher is None:
        return Step("Teacher", "stopped", trial.teacher_problem)
    if trial.answered_inline:
        return Step("Teacher", "skipped", "Asked here for comparison only.", trial.teacher.latency_ms)
    return Step("Teacher", "passed", "It answers the application.", trial.teacher.latency_ms)


async def _answer(teacher: Teacher, text: str, tools: list[dict[str, object]] | None) -> TeacherAnswer:
    endpoint = TeacherEndpoint(teacher.base_url, teacher.model, read_key(teacher.api_key_env))
    async with asyncio.timeout(LONGEST_WAIT_SECONDS), httpx.AsyncClient() as client:
        return await ask(client, endpoint, [{"role": "user", "content": text}], tools)


def _compare(trial: Trial, application: Application, offered: ToolSetVersion | None) -> None:
    if trial.teacher is None or trial.call is None:
        return
    tools = offered.tool_set if offered else None
    trial.agrees = not trial.teacher.several_calls and same_call(
        trial.call, trial.teacher.call, tools, application.comparison_rules
    )


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
