"""Live traffic of two functions, and students that answer it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from curation.identifiers import chance_of, new_id
from curation.ml.calls import Call
from curation.ml.tools import parse_tools
from curation.models import Application
from curation.models.traffic import Source
from curation.services.capture import capture
from curation.services.captured import Capture, Decision, TeacherAnswer
from tests.training.learned import TOOLS, make_dataset, make_student
from training.models import Dataset, Student
from training.services import evaluations
from training.students.base import Prediction
from training.students.memo import Memo

PLAYS = [f"play artist {number}" for number in range(40)]
ALARMS = [f"wake me at {number}" for number in range(30)]
TALK = [f"how are you {number}" for number in range(10)]
AN_HOUR_AGO = timedelta(hours=1)


def call_for(text: str) -> Call | None:
    """What the teacher answers."""
    text = text.lower()
    if text.startswith("play "):
        return Call("play_music", {"artist": text.removeprefix("play ")})
    return Call("set_alarm", {"time": text.removeprefix("wake me at ")}) if text.startswith("wake ") else None


class Pupil:
    """Answers as the teacher does, but for the functions that it is `bad_at`; what calls nothing it refuses."""

    memo = Memo({})
    tools = parse_tools(TOOLS)

    def __init__(self, bad_at: str = "") -> None:
        self.bad_at = bad_at

    def predict(self, queries: Sequence[str]) -> list[Prediction]:
        return [self._one(query) for query in queries]

    def _one(self, query: str) -> Prediction:
        call = call_for(query)
        if call is None:
            return Prediction(None, 0.0)
        wrong = Call(call.name, dict.fromkeys(call.arguments, "something else"))
        return Prediction(wrong if call.name == self.bad_at else call, 0.95)


def serve(monkeypatch: pytest.MonkeyPatch, pupils: dict[Student, Pupil]) -> None:
    """Have these answer in the place of the students' artifacts."""
    monkeypatch.setattr(evaluations, "serve", lambda student: pupils[student])


def learned_yesterday(application: Application, texts: Sequence[str] = PLAYS) -> Student:
    """A student from a dataset that was built a day ago."""
    dataset = make_dataset(application, list(texts))
    Dataset.objects.filter(pk=dataset.pk).update(created_at=timezone.now() - timedelta(days=1))
    return make_student(Dataset.objects.get(pk=dataset.pk))


def arrive(
    student: Student,
    texts: Sequence[str],
    *,
    ids: Sequence[UUID] = (),
    route: str = "",
    answered: bool = True,
    at: datetime | None = None,
) -> list[UUID]:
    """Queries, one a second, with the teacher's answer; `route` where the gateway had them."""
    begin = at or timezone.now() - AN_HOUR_AGO
    moments = [begin + timedelta(seconds=place) for place in range(len(texts))]
    keys = list(ids) or [new_id(moment) for moment in moments]
    decision = Decision(route=route, reason="a reason", total_ms=5.0) if route else None
    capture(
        [
            Capture(
                id=key,
                application_id=student.application_id,
                tool_set_id=student.tool_set_id,
                text=text,
                arrived_at=moment,
                source=Source.GATEWAY if route else Source.IMPORT,
                answer=TeacherAnswer(call=call_for(text)) if answered else None,
                decision=decision,
            )
            for key, text, moment in zip(keys, texts, moments, strict=True)
        ]
    )
    return keys


def ids_by_chance(count: int, *, below: float = 1.0, above: float = 0.0) -> list[UUID]:
    """Keys of an hour ago whose chance lies between."""
    found: list[UUID] = []
    while len(found) < count:
        key = new_id(timezone.now() - AN_HOUR_AGO)
        found += [key] if above <= chance_of(key) < below else []
    return found
