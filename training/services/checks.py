"""The conditions that a student must meet to become champion, or to be tried as challenger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scipy.stats import beta

from curation.selectors.tool_sets import offered_tool_sets
from training.models import Evaluation, RoutingPolicy, Student, SwitchOff
from training.models.audits import WHOLE
from training.selectors.aliases import champion_of
from training.selectors.evaluations import champion_evaluation
from training.selectors.regressions import covered_beside, less_able_than, worse_than
from training.services.policies import policy_of

LEAST_COVERAGE = 0.05
LEAST_INLINE_EXAMPLES = 50
MOST_LATENCY_P99_MS = 50.0
CONFIDENCE = 0.95
NO_FUNCTION_WORSE, COVERAGE_KEPT = "no function got worse", "coverage kept"


@dataclass(frozen=True, slots=True)
class Check:
    """One condition of a promotion, and whether it holds, in a sentence with its figures."""

    name: str
    passed: bool
    sentence: str


def promotion_checks(*, student: Student, policy: RoutingPolicy | None = None) -> list[Check]:
    """Every condition that a student must meet to become champion; `policy` spares a read of the application's."""
    evaluation: Evaluation | None = student.latest_evaluation
    policy = policy or policy_of(student.application)
    checks = _trial_checks(student, evaluation, policy)
    if evaluation is None:
        return checks
    return [
        *checks,
        _sample_size(evaluation.figures),
        _coverage(evaluation.figures),
        *_beside_champion(evaluation, policy.epsilon),
    ]


def challenger_checks(*, student: Student) -> list[Check]:
    """What it must meet to be tried on traffic: whether it is worth the champion's place, the trial shall show."""
    return _trial_checks(student, student.latest_evaluation, policy_of(student.application))


def failing(checks: list[Check]) -> str:
    """What the checks that do not hold say; empty if all hold."""
    return " ".join(check.sentence for check in checks if not check.passed)


def _trial_checks(student: Student, evaluation: Evaluation | None, policy: RoutingPolicy) -> list[Check]:
    epsilon = policy.epsilon
    checks = [_certified(student, epsilon), _tool_set(student), _audits(student)]
    if evaluation is None:
        return [*checks, Check("evaluation", False, "It has not been evaluated yet.")]
    return [*checks, _disagreement(evaluation.figures, epsilon), _latency(evaluation.figures)]


def _audits(student: Student) -> Check:
    """Nothing that audits switched off comes back without a person's word."""
    off = dict(SwitchOff.objects.filter(student=student, lifted_at=None).values_list("function", "reason"))
    if WHOLE in off:
        sentence = f"Audits have switched it off: {off[WHOLE]} Turn it on again first."
        return Check("audits", False, sentence)
    if off:
        return Check("audits", True, f"Audits have switched off {', '.join(sorted(off))}; the rest is in service.")
    return Check("audits", True, "Audits have switched off nothing of it.")


def _certified(student: Student, epsilon: float) -> Check:
    if student.threshold is None or student.certified_bound is None:
        needed = student.report.get("more_calibration_examples_needed")
        more = f" About {needed} more calibration examples would be needed." if needed else ""
        sentence = f"No threshold keeps the disagreement within {epsilon:.1%} with 95% confidence.{more}"
        return Check("certified threshold", False, sentence)
    return Check(
        "certified threshold",
        student.certified_bound <= epsilon,
        f"At threshold {student.threshold:.3f} the disagreement is at most {student.certified_bound:.2%} with 95% "
        f"confidence; {epsilon:.1%} is allowed.",
    )


def _tool_set(student: Student) -> Check:
    if student.tool_set_id in offered_tool_sets(student.application):
        return Check("tool set", True, "It was trained on a tool set that the application offers now.")
    return Check("tool set", False, "The application offers another tool set now than the one it was trained on.")


def _sample_size(figures: dict[str, Any]) -> Check:
    inline = round(figures["coverage"] * figures["test_examples"])
    return Check(
        "sample size",
        inline >= LEAST_INLINE_EXAMPLES,
        f"It answered {inline} test examples inline; at least {LEAST_INLINE_EXAMPLES} are needed.",
    )


def _disagreement(figures: dict[str, Any], epsilon: float) -> Check:
    """Whether the test split contradicts the certified bound by more than chance explains."""
    inline = round(figures["coverage"] * figures["test_examples"])
    if figures["disagreement_inline"] is None:
        return Check("disagreement", False, "It answered no test example inline.")
    wrong = round(figures["disagreement_inline"] * inline)
    lower = float(beta.ppf(1 - CONFIDENCE, wrong, inline - wrong + 1)) if wrong else 0.0
    return Check(
        "disagreement",
        lower <= epsilon,
        f"On the test split {wrong} of {inline} inline answers differ ({figures['disagreement_inline']:.2%}, at least "
        f"{lower:.2%} with 95% confidence); {epsilon:.1%} is allowed.",
    )


def _coverage(figures: dict[str, Any]) -> Check:
    return Check(
        "coverage",
        figures["coverage"] >= LEAST_COVERAGE,
        f"It covers {figures['coverage']:.1%} of the test split; at least {LEAST_COVERAGE:.0%} is worth it.",
    )


def _latency(figures: dict[str, Any]) -> Check:
    p99 = figures["latency_ms"]["p99"]
    return Check(
        "latency",
        p99 <= MOST_LATENCY_P99_MS,
        f"It answers 99 of 100 queries within {p99:.1f} ms; {MOST_LATENCY_P99_MS:.0f} ms are allowed.",
    )


def _beside_champion(evaluation: Evaluation, epsilon: float) -> list[Check]:
    """Neither a function nor the coverage may get clearly worse than with the champion, on the same test split."""
    other = champion_evaluation(evaluation)
    if other is not None:
        return [_functions(evaluation, other), _kept_coverage(evaluation, other, epsilon)]
    champion = champion_of(evaluation.student.application)
    sentence = f"The champion {champion} was not evaluated on {evaluation.dataset}."
    if champion is None or champion == evaluation.student:
        sentence = "There is no champion to compare it with."
    return [Check(name, True, sentence) for name in (NO_FUNCTION_WORSE, COVERAGE_KEPT)]


def _functions(evaluation: Evaluation, other: Evaluation) -> Check:
    """Worse is what `worse_than` finds among the inline answers, and what `less_able_than` finds among all of simple
    examples, since it costs coverage."""
    found = [*worse_than(evaluation, other), *less_able_than(evaluation, other)]
    worse = {one.function or "no call" for one in found}
    if worse:
        return Check(NO_FUNCTION_WORSE, False, f"Worse than the champion at: {', '.join(sorted(worse))}.")
    return Check(NO_FUNCTION_WORSE, True, f"At no function it is worse than the champion {other.student}.")


def _kept_coverage(evaluation: Evaluation, other: Evaluation, epsilon: float) -> Check:
    """A champion that does not keep within epsilon itself is no measure: it covers more than it may."""
    champion = other.student
    if not (_certified(champion, epsilon).passed and _disagreement(other.figures, epsilon).passed):
        sentence = f"The champion {champion} does not keep within {epsilon:.1%} itself, so it is no measure."
        return Check(COVERAGE_KEPT, True, sentence)
    covered = covered_beside(evaluation, other)
    return Check(
        COVERAGE_KEPT,
        not covered.less,
        f"Of {covered.examples} test examples that the champion {champion} had not learned, it alone answers "
        f"{covered.others_alone} simple ones rightly inline, {evaluation.student} alone {covered.alone}.",
    )
