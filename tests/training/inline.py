"""Inline answers of a student, as the gateway's records leave them."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.forms import model_to_dict
from django.utils import timezone

from curation.identifiers import new_id
from curation.ml.calls import Call
from curation.models import Application, RouterDecision
from curation.models.traffic import Route, Source
from curation.services.capture import capture, capture_shadows
from curation.services.captured import Capture, Decision, Shadow, TeacherAnswer
from curation.services.settings_log import form_save
from training.forms.settings import PolicyForm
from training.models import Student
from training.services.policies import policy_of

REASON = "the confidence reaches the threshold"


def play(artist: str) -> Call:
    return Call("play_music", {"artist": artist})


def answer_inline(
    student: Student,
    text: str,
    call: Call | None,
    *,
    audit: bool = True,
    ago: timedelta = timedelta(minutes=5),
    route: str = Route.STUDENT,
    teacher: TeacherAnswer | None = None,
    confidence: float = 0.97,
) -> RouterDecision:
    """What the student answered some time ago; with `teacher`, what the teacher answered to it."""
    arrived_at: datetime = timezone.now() - ago
    pk = new_id(arrived_at)
    decision = Decision(
        route=route,
        reason=REASON,
        total_ms=4.0,
        student=student.version,
        call=call,
        confidence=confidence,
        threshold=0.9,
        audit=audit,
    )
    row = Capture(
        id=pk,
        application_id=student.application_id,
        tool_set_id=student.tool_set_id,
        text=text,
        arrived_at=arrived_at,
        source=Source.GATEWAY,
        answer=teacher,
        decision=decision,
    )
    capture([row])
    return RouterDecision.objects.get(pk=pk)


def audit_share_set(application: Application, share: float, user: User) -> None:
    """As on the page of settings."""
    policy = policy_of(application)
    form = PolicyForm({**model_to_dict(policy), "audit_share": share}, instance=policy)
    form_save(form=form, application=application, user=user)


def answer_in_shadow(student: Student, query: UUID, call: Call | None, confidence: float = 0.97) -> None:
    shadow = Shadow(
        query_id=query,
        application_id=student.application_id,
        student=student.version,
        call=call,
        confidence=confidence,
        threshold=0.9,
        answered_at=timezone.now(),
    )
    capture_shadows([shadow])
