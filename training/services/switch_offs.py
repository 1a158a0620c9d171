"""What audits count for and against a student, and what they switch off because of it.

The whole's tally counts the functions in service together: a function that is switched off takes its counts along, so
that one bad function does not speak against the others. An answer of what is switched off counts for nothing. Audits
look closer at a function after an answer that differs; towards the whole, only the answers count that chance picked,
since of these each function has the share that it has of the traffic.

A student that keeps within what is allowed is switched off as a whole with a chance of at most 5%, and the same holds
for all its functions together, however long it is audited (see `training.students.sequential`).
"""

from __future__ import annotations

import math

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from curation.errors import OdiaError
from curation.models import RouterDecision
from training.models import AuditTally, Student, SwitchOff
from training.models.audits import WHOLE
from training.services.policies import policy_of
from training.students.sequential import ALPHA, level_of_a_function, log_e_value

LEAST_OF_THE_WHOLE = 20
"""Audits before the whole is judged: time for a bad function to be found out, before it stops the good ones with it.
To look later never makes the test wrong more often."""

MOST_SHOWN = math.log(1e9)


@transaction.atomic
def audit_count(*, student: Student, function: str, agrees: bool, picked: bool) -> list[SwitchOff]:
    """Count one audited answer of the student, and switch off what it proves to disagree too often.

    `picked`: chance picked it for an audit, whatever its function.

    Returns:
        What was switched off by it: nothing, the function, the whole, or both.
    """
    _lock(student)
    if SwitchOff.objects.filter(student=student, function__in=[function, WHOLE], lifted_at=None).exists():
        return []
    policy = policy_of(student.application)
    off: list[SwitchOff] = []
    audited, disagreed = int(picked), int(picked and not agrees)
    of_function = _change(
        student, function, audited=1, disagreed=int(not agrees), picked=audited, picked_disagreed=disagreed
    )
    whole = _change(student, WHOLE, audited=audited, disagreed=disagreed)
    if found := _judge(of_function, policy.function_epsilon, level_of_a_function(len(student.tool_set.tools))):
        off.append(found)
        whole = _change(student, WHOLE, audited=-of_function.picked, disagreed=-of_function.picked_disagreed)
    if whole.audited >= LEAST_OF_THE_WHOLE and (found := _judge(whole, policy.epsilon, ALPHA)):
        off.append(found)
    return off


@transaction.atomic
def switch_off_lift(*, switch_off: SwitchOff, user: User | None) -> SwitchOff:
    """Turn on again what audits switched off. What they saw before counts no more.

    Of a function, its tally starts anew; of the whole student, all tallies of functions in service do. Answers from
    before that are still to be audited are left out, since they would count against the new start.

    Raises:
        OdiaError: it is on already.
    """
    switch_off = SwitchOff.objects.select_for_update().select_related("student").get(pk=switch_off.pk)
    if switch_off.lifted_at is not None:
        raise OdiaError(f"{switch_off.function or switch_off.student} is turned on again already.")
    student, function = switch_off.student, switch_off.function
    switch_off.lifted_at, switch_off.lifted_by = timezone.now(), user
    switch_off.save(update_fields=["lifted_at", "lifted_by"])
    _forget_due(student, function)  # before the lock: audits, too, hold a decision first
    _lock(student)
    if function == WHOLE:
        tallies_restart(student=student)
    else:
        AuditTally.objects.filter(student=student, function=function).delete()
    return switch_off


@transaction.atomic
def tallies_restart(*, student: Student) -> None:
    """Count a student's audits anew, but for the functions that are switched off: those a person turns on again."""
    _lock(student)
    off = SwitchOff.objects.filter(student=student, lifted_at=None).exclude(function=WHOLE).values("function")
    AuditTally.objects.filter(student=student).exclude(function__in=off).delete()


def _lock(student: Student) -> None:
    """Until the end of the transaction, nobody else changes its tallies."""
    Student.objects.select_for_update(no_key=True).get(pk=student.pk)


def _change(student: Student, function: str, **more: int) -> AuditTally:
    """The tally after so much `more` was added to its counts. The student's row must be locked."""
    AuditTally.objects.get_or_create(student=student, function=function)
    tally = AuditTally.objects.filter(student=student, function=function)
    tally.update(**{name: F(name) + number for name, number in more.items()})
    return tally.get()


def _judge(tally: AuditTally, epsilon: float, alpha: float) -> SwitchOff | None:
    """Switch off what the tally is about, if it proves that the disagreement is above epsilon."""
    evidence = log_e_value(tally.audited, tally.disagreed, epsilon)
    if evidence < -math.log(alpha):
        return None
    return SwitchOff.objects.create(
        application=tally.student.application,
        student=tally.student,
        function=tally.function,
        reason=_reason(tally, epsilon, evidence),
        evidence={
            "audited": tally.audited,
            "disagreed": tally.disagreed,
            "allowed": epsilon,
            "alpha": alpha,
            "log_e_value": evidence,
        },
    )


def _reason(tally: AuditTally, epsilon: float, evidence: float) -> str:
    answers, kind = (f"answers of {tally.function}", "functions") if tally.function else ("answers", "students")
    number = f"{math.exp(evidence):,.0f}" if evidence < MOST_SHOWN else "a billion"
    return (
        f"{tally.disagreed} of {tally.audited} audited {answers} differed from the teacher's; {epsilon:.1%} may. "
        f"Of {number} {kind} that keep within that, at most one would ever look so bad."
    )


def _forget_due(student: Student, function: str) -> None:
    due = RouterDecision.objects.filter(application=student.application_id, audit_due=True, student=student.version)
    (due.filter(function=function) if function else due).update(audit_due=False, audit_request=None)
