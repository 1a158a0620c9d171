"""One answer of the teacher to an audit, written down: everything that it changes, in one transaction, once."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from curation.ml.calls import same_call
from curation.models import Query, RouterDecision
from curation.models.traffic import Purpose
from curation.services.rollups import HourKey, HourSums, add_to_hours
from curation.services.teacher_answers import query_label, teacher_call_keep
from curation.teachers.openai_api import TeacherAnswer
from training.models import Student, SwitchOff
from training.selectors.audit_shares import audit_shares
from training.services.policies import policy_of
from training.services.switch_offs import audit_count


@dataclass(frozen=True, slots=True)
class Audited:
    """Whether the inline answer is the reference call, and what was switched off by it."""

    agrees: bool
    switched_off: list[SwitchOff]


@transaction.atomic
def audit_record(*, decision: RouterDecision, answer: TeacherAnswer, model: str) -> Audited | None:
    """Keep the teacher's answer, and count for or against the student whether the inline answer agrees with it.

    Returns:
        None if the audit is not due any more: another process was faster, or a person made it void.
    """
    due = RouterDecision.objects.select_for_update().filter(pk=decision.pk, audit_due=True)
    if not due.exists():
        return None
    query = Query.objects.select_for_update(of=["self"]).select_related("tool_set", "application").get(pk=decision.pk)
    teacher_call_keep(query=query, answer=answer, model=model, purpose=Purpose.AUDIT)
    if not query.labelled:
        query_label(query=query, answer=answer)
    agrees = _agrees(decision, query)
    RouterDecision.objects.filter(pk=decision.pk).update(agrees=agrees, audit_due=False, audit_request=None)
    student = Student.objects.filter(application=query.application_id, version=decision.student).first()
    picked = audit_shares(policy_of(query.application)).picks(decision.pk)
    off = audit_count(student=student, function=decision.function, agrees=agrees, picked=picked) if student else []
    _add_to_hour(decision, query, answer, agrees, picked)
    return Audited(agrees, off)


def _agrees(decision: RouterDecision, query: Query) -> bool:
    """Whether the student's call is the reference call: the teacher's, or a person's correction of it."""
    tools = query.tool_set.tool_set if query.tool_set else None
    same = same_call(decision.call, query.call, tools, query.application.comparison_rules)
    return same and not query.several_calls


def _add_to_hour(decision: RouterDecision, query: Query, answer: TeacherAnswer, agrees: bool, picked: bool) -> None:
    hour = query.arrived_at.replace(minute=0, second=0, microsecond=0)
    sums = HourSums(
        audited=1,
        picked=int(picked),
        picked_disagreed=int(picked and not agrees),
        prompt_tokens=answer.prompt_tokens or 0,
        completion_tokens=answer.completion_tokens or 0,
    )
    add_to_hours({HourKey(query.application_id, hour, decision.route, query.source): sums})
