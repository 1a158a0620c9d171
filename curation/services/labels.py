"""One answer of the teacher to a labelling job, written down once; or that there is no usable one."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from curation.models import Query, ToolSetVersion, Unusable
from curation.models.labelling import Scope
from curation.services.teacher_answers import query_label, teacher_call_keep
from curation.teachers.openai_api import TeacherAnswer


@transaction.atomic
def label_record(
    *, query: Query, answer: TeacherAnswer, model: str, scope: Scope, tool_set: ToolSetVersion, mark: str = ""
) -> bool:
    """Keep an answer, and make it the reference call; asked again, it only tells how consistent the teacher is.

    `tool_set` are the tools that the teacher was given, `mark` tells one of several answers from the others.

    Returns:
        False if nothing was kept: the query is gone, or has got its answer, or a person's correction, meanwhile.
    """
    now = Query.objects.select_for_update().filter(pk=query.pk).first()
    if now is None or not _still_wanted(now, scope, tool_set):
        return False
    teacher_call_keep(query=now, answer=answer, model=model, purpose=scope.purpose, mark=mark)
    if scope != Scope.AGAIN:
        query_label(query=now, answer=answer, tool_set=tool_set)
        Unusable.objects.filter(query=now.pk).delete()
    return True


def unusable_record(*, query: Query, reason: str) -> None:
    """Note that the teacher gives no usable answer, so that it is not asked again and again."""
    row = {"application_id": query.application_id, "reason": reason, "asked_at": timezone.now()}
    Unusable.objects.update_or_create(query_id=query.pk, defaults=row)


def _still_wanted(query: Query, scope: Scope, tool_set: ToolSetVersion) -> bool:
    if scope == Scope.AGAIN:
        return True
    if scope == Scope.CHANGED:
        return not query.corrected and query.tool_set_id != tool_set.pk
    return not query.labelled
