"""Asking a teacher: audits get their turn, however much else is asked."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from curation.models import Application, Teacher
from curation.models.traffic import Purpose
from curation.services.asking import Asker, asker_of
from tests.moody_teacher import MoodyTeacher

LABELS = 12


@pytest.mark.parametrize(
    "limits",
    [{"concurrency": 1}, {"concurrency": LABELS, "requests_per_minute": 120}, {"concurrency": 2}],
    ids=["one at a time", "a slow pace", "two at a time"],
)
def test_an_audit_does_not_wait_for_all_labels(
    application: Application, moody: MoodyTeacher, limits: dict[str, Any]
) -> None:
    moody.seconds = 0.2
    Teacher.objects.filter(application=application).update(**limits)
    with asker_of(application) as labels, asker_of(application, patience=30.0) as audits:
        async_to_sync(_label_and_audit)(labels, audits, moody)
    asked = [body["messages"][0]["content"] for body in moody.bodies]
    assert len(asked) == LABELS + 1
    assert asked.index("audit") < LABELS // 2
    assert moody.most_under_way <= limits["concurrency"]


async def _label_and_audit(labels: Asker, audits: Asker, moody: MoodyTeacher) -> None:
    """The audit comes when labelling is in full swing."""
    waiting = list(range(LABELS))

    async def label() -> None:
        while waiting:
            await _ask(labels, Purpose.LABEL, f"label {waiting.pop()}")

    async with asyncio.TaskGroup() as group:
        for _ in range(labels.teacher.concurrency):
            group.create_task(label())
        while not moody.bodies:
            await asyncio.sleep(0.01)
        group.create_task(_ask(audits, Purpose.AUDIT, "audit"))
    await labels.aclose()
    await audits.aclose()


async def _ask(asker: Asker, purpose: Purpose, text: str) -> None:
    await asker.ask(purpose, [{"role": "user", "content": text}], None)
