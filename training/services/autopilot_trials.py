"""The autopilot's steps from a student to the champion: what each would do now, and why. Nothing is written here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scipy.stats import beta

from curation.models.jobs import JobKind
from training.models import Student
from training.models.autopilot import AutopilotStep as Step
from training.selectors.autopilot import Facts, Proposal
from training.selectors.autopilot_trial import Trial, trial_of
from training.selectors.canary import next_step
from training.selectors.trials import audits_of_all
from training.selectors.waiting import worse_live
from training.services.autopilot_evaluations import not_compared, to_be_seen_live
from training.services.checks import Check, failing, promotion_checks

CONFIDENCE = 0.95


def canary(facts: Facts) -> Iterator[Proposal]:
    """A new student that could be better than the champion is tried on a few users first."""
    candidate, challenger = facts.candidate, facts.challenger
    share = facts.autopilot.first_canary
    if candidate is None:
        yield Proposal(step=Step.CANARY, sentence="There is no new student to try.")
    elif facts.champion is None or facts.out_of_service(facts.champion):
        yield Proposal(step=Step.CANARY, sentence="Without a champion in service, there is nothing to try it beside.")
    elif (trial := trial_of(facts)) and not facts.out_of_service(trial.challenger) and not _makes_way(facts, trial):
        sentence = f"{candidate} waits until the trial of {challenger} has ended."
        yield Proposal(step=Step.CANARY, sentence=sentence, waiting=True)
    elif facts.out_of_service(candidate):
        yield Proposal(step=Step.CANARY, sentence=_for_other_tools(candidate), waiting=True)
    elif facts.evaluation is None or not_compared(facts, candidate) or _being_evaluated(facts):
        yield Proposal(step=Step.CANARY, sentence=f"{candidate} is to be evaluated first.", waiting=True)
    else:
        instead = f", in place of {challenger}" if challenger else ""
        promise = f"it is tried on {share:.0%} of the users, beside {facts.champion}{instead}"
        # The trial of a student that could not be promoted after it would be in vain.
        yield _checked(Step.CANARY, candidate, promotion_checks(student=candidate), promise)


def _for_other_tools(student: Student) -> str:
    return f"{student} was trained on other tools than are offered now; one for these is to learn first."


def _makes_way(facts: Facts, trial: Trial) -> bool:
    """Whether a newer student takes the challenger's place: its trial cannot end well any more, or takes too long.

    One that a person has put on trial has its time, whatever the checks say.
    """
    if trial.takes_too_long:
        return not (trial.passed_last and _is_fit(trial.challenger)) or bool(_held_up(facts, trial))
    chosen = trial.began is not None and trial.began.promoted_by_id is not None
    return bool(worse_live(trial.challenger)) if chosen else not _is_fit(trial.challenger)


def _is_fit(challenger: Student) -> bool:
    return not (worse_live(challenger) or failing(promotion_checks(student=challenger)))


def _being_evaluated(facts: Facts) -> bool:
    return JobKind.EVALUATE in facts.kinds_under_way


def _checked(step: Step, student: Student, checks: list[Check], promise: str) -> Proposal:
    """Due if every check passes; otherwise a question, since only a person can judge an exception."""
    place: dict[str, Any] = {"subject": f"student {student.pk}", "page": "student", "key": student.pk}
    if failed := failing(checks):
        sentence = f"{student} does not pass: {failed} Decide what to do about it, or wait for the next student."
        return Proposal(step=step, sentence=sentence, asks=True, **place)
    return Proposal(step=step, sentence=f"{student} passes every check: {promise}.", due=True, on=student, **place)


def widen(facts: Facts) -> Iterator[Proposal]:
    """Step by step to all users, as long as nothing speaks against it; a challenger that fails is withdrawn."""
    trial = trial_of(facts)
    if trial is None:
        yield Proposal(step=Step.WIDEN, sentence="No student is on trial.")
        return
    place: dict[str, Any] = {"page": "student", "key": trial.challenger.pk}
    if off := facts.off_as_a_whole(trial.challenger):
        sentence = f"The trial of {trial.challenger} ends: {off.reason}"
        yield Proposal(step=Step.WIDEN, sentence=sentence, due=True, subject=f"end {trial.challenger.pk}", **place)
        return
    if held := _held_up(facts, trial):
        yield Proposal(step=Step.WIDEN, sentence=held, waiting=True)
        return
    step = next_step(trial.share)
    if worse := _worse_live(trial):
        subject = f"worse {trial.challenger.pk}"
        yield Proposal(step=Step.WIDEN, sentence=worse, asks=True, subject=subject, **place)
    elif step is None:
        yield Proposal(step=Step.WIDEN, sentence=f"{trial.challenger} has passed the last step.")
    elif next_step(step / 100) is None and (failed := failing(promotion_checks(student=trial.challenger))):
        subject = f"{trial.challenger.pk} to {step}%"
        sentence = f"{trial.challenger} is not fit to become champion: {failed} Withdraw it, or let it meet all users."
        yield Proposal(step=Step.WIDEN, sentence=sentence, asks=True, subject=subject, **place)
    else:
        sentence = f"{trial.figures} {_audited(trial.challenger)} It meets {step}% of the users next."
        subject = f"{trial.challenger.pk} to {step}%"
        yield Proposal(step=Step.WIDEN, sentence=sentence, due=True, on=step / 100, subject=subject, **place)


def _held_up(facts: Facts, trial: Trial) -> str:
    """What the trial waits for, empty if for nothing."""
    if trial.share == 0:
        return f"{trial.challenger} meets no traffic; whoever made it the challenger says whom it answers."
    if not trial.passed:
        return trial.figures
    if _being_evaluated(facts):
        return f"{trial.figures} A student is being evaluated."
    epsilon = facts.policy.epsilon
    if _lower_bound(trial.challenger) > epsilon:
        return f"{_audited(trial.challenger)} {epsilon:.1%} may: the audits speak against it so far."
    return ""


def _audited(student: Student) -> str:
    audits = audits_of_all(student)
    if not audits.judged:
        return "Audits have not looked at it yet."
    return f"Of {audits.judged:,} audited answers {audits.disagreed:,} differed."


def _lower_bound(student: Student) -> float:
    """Of the disagreement that audits saw, with 95% confidence (Clopper-Pearson)."""
    audits = audits_of_all(student)
    if not audits.disagreed:
        return 0.0
    return float(beta.ppf(1 - CONFIDENCE, audits.disagreed, audits.judged - audits.disagreed + 1))


def _worse_live(trial: Trial) -> str:
    """What the newest evaluation on live traffic says against the challenger; empty if nothing."""
    return " ".join(
        f"On live traffic, {trial.challenger} is worse than the champion at: {found.worse_at}. Widen its canary, or "
        "withdraw it."
        for found in worse_live(trial.challenger)
    )


def promote(facts: Facts) -> Iterator[Proposal]:
    """After the last step of its trial; at once where there is no champion in service."""
    champion, challenger = facts.champion, facts.challenger
    out = facts.out_of_service(champion) if champion else "There is no champion."
    if out:
        serves = challenger is not None and not facts.out_of_service(challenger)
        comes_first = serves and (facts.candidate is None or (challenger is not None and _is_fit(challenger)))
        yield from _at_once(facts, challenger if comes_first else facts.candidate, out)
        return
    trial = trial_of(facts)
    if trial is None or next_step(trial.share) is not None:
        yield Proposal(step=Step.PROMOTE, sentence="No student has passed the last step of its trial.")
    elif held := _held_up(facts, trial) or facts.out_of_service(trial.challenger):
        yield Proposal(step=Step.PROMOTE, sentence=held, waiting=True)
    elif not_compared(facts, trial.challenger):
        sentence = f"{champion} is to be evaluated on the examples of {trial.challenger} first."
        yield Proposal(step=Step.PROMOTE, sentence=sentence, waiting=True)
    elif champion is not None and to_be_seen_live(facts, champion, trial):
        sentence = f"{trial.challenger} is to be held against {champion} on live traffic first."
        yield Proposal(step=Step.PROMOTE, sentence=sentence, waiting=True)
    elif not _worse_live(trial):
        promise = f"it has passed the last step of its trial. {_audited(trial.challenger)} It becomes champion"
        yield _checked(Step.PROMOTE, trial.challenger, promotion_checks(student=trial.challenger), promise)


def _at_once(facts: Facts, student: Student | None, why: str) -> Iterator[Proposal]:
    if student is None:
        asks = facts.champion is not None and facts.off_as_a_whole(facts.champion) is not None
        place: dict[str, Any] = {"page": "student", "key": facts.champion.pk} if facts.champion else {}
        more = " No other student can take its place: turn it on again, or let a new one learn." if asks else ""
        subject = f"off {facts.champion.pk}" if facts.champion else ""
        yield Proposal(
            step=Step.PROMOTE, sentence=f"{why}{more}", asks=asks, waiting=not asks, subject=subject, **place
        )
    elif facts.out_of_service(student):
        yield Proposal(step=Step.PROMOTE, sentence=f"{why} {_for_other_tools(student)}", waiting=True)
    elif (student == facts.candidate and facts.evaluation is None) or _being_evaluated(facts):
        yield Proposal(step=Step.PROMOTE, sentence=f"{why} {student} is to be evaluated first.", waiting=True)
    else:
        promise = f"it becomes champion. {why.rstrip('.')}"
        yield _checked(Step.PROMOTE, student, promotion_checks(student=student), promise)
