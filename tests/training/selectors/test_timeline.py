from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from curation.models import Application
from tests.training.learned import make_dataset, make_evaluation, make_student
from training.models import Promotion, Student, SwitchOff
from training.selectors import timeline
from training.selectors.timeline import timeline_of
from training.services.challengers import canary_set, challenger_set, challenger_withdraw
from training.services.promotions import promote, roll_back
from training.services.switch_offs import switch_off_lift


@pytest.fixture
def students(application: Application) -> list[Student]:
    dataset = make_dataset(application, ["play Can", "play Blur"])
    students = [make_student(dataset) for _ in range(2)]
    for student in students:
        make_evaluation(student)
    return students


def test_everything_that_happened_is_told_with_who_did_it(students: list[Student], users: dict[str, User]) -> None:
    first, second = students
    application, user = first.application, users["approver"]
    promote(student=first, user=user)
    challenger_set(student=second, user=user)
    canary_set(application=application, share=0.25, shadow=True, user=user)
    challenger_withdraw(application=application, user=user)
    off = SwitchOff.objects.create(application=application, student=first, function="play", reason="Nine differed.")
    switch_off_lift(switch_off=off, user=user)
    promote(student=second)
    roll_back(application=application, user=user)
    events = timeline_of(application).events
    assert [event.kind for event in events] == [
        "rolled back",
        "promoted",
        "turned on",
        "switched off",
        "withdrawn",
        "canary",
        "challenger",
        "promoted",
    ]
    assert [event.by for event in events] == [
        "approver",
        "the policy",
        "approver",
        "the audits",
        "approver",
        "approver",
        "approver",
        "approver",
    ]
    assert "25.0% of the users" in events[5].detail and "before: 0.0%" in events[5].detail
    of_second = [event.kind for event in timeline_of(application, second).events]
    assert of_second == ["rolled back", "promoted", "withdrawn", "canary", "challenger"]


def test_a_long_history_is_continued_without_a_gap(students: list[Student], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "PER_PAGE", 3)
    first, _ = students
    start = timezone.now() - timedelta(days=9)
    for day in range(5):
        move = Promotion.objects.create(application=first.application, alias="champion", student=first)
        Promotion.objects.filter(pk=move.pk).update(created_at=start + timedelta(days=day))
    off = SwitchOff.objects.create(
        application=first.application, student=first, reason="Wrong.", lifted_at=start + timedelta(days=3.5)
    )
    SwitchOff.objects.filter(pk=off.pk).update(created_at=start + timedelta(days=0.5))
    told, before = [], None
    while page := timeline_of(first.application, before=before):
        told += page.events
        before = page.before
        if before is None:
            break
    assert [event.kind for event in told] == [
        "promoted",
        "turned on",
        "promoted",
        "promoted",
        "promoted",
        "switched off",
        "promoted",
    ]
    assert [event.at for event in told] == sorted((event.at for event in told), reverse=True)
