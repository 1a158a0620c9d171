"""Queries that wait for a student are handed to it together, and none of them suffers from its neighbours."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.training.gateway.conftest import FakeStudent, default_entry
from tests.training.gateway.servers import wait_until
from training.gateway.student_queue import LARGEST_BATCH, StudentQueue
from training.gateway.students import Serving
from training.students.base import Prediction


@dataclass
class SlowStudent(FakeStudent):
    """Notes what it is handed, and answers when it may."""

    handed: list[list[str]] = field(default_factory=list)
    may_answer: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__()

    def predict(self, queries: Sequence[str]) -> list[Prediction]:
        self.handed.append(list(queries))
        assert self.may_answer.wait(60)
        return super().predict(queries)


@pytest.fixture
def queue() -> Iterator[StudentQueue]:
    queue = StudentQueue()
    yield queue
    queue.close()


def champion(student: FakeStudent) -> Serving:
    entry = default_entry("", Path()).champion
    assert entry
    return Serving(entry, student)


async def behind_another(
    queue: StudentQueue, first: Serving, waiting: Sequence[Coroutine[Any, Any, Prediction]]
) -> list[asyncio.Task[Prediction]]:
    """Start one query and, while the student reads it, the others."""
    student = first.student
    assert isinstance(student, SlowStudent)
    tasks = [asyncio.create_task(queue.predict(first, "play first"))]
    await asyncio.to_thread(wait_until, lambda: student.handed)
    tasks += [asyncio.create_task(one) for one in waiting]
    await asyncio.sleep(0)
    return tasks


def artist(prediction: Prediction) -> str:
    assert prediction.call
    return str(prediction.call.arguments["artist"])


def test_a_query_alone_goes_at_once_and_those_that_wait_go_together(queue: StudentQueue) -> None:
    slow = SlowStudent()
    names = [str(number) for number in range(LARGEST_BATCH + 3)]

    async def ask() -> list[Prediction]:
        one = champion(slow)
        tasks = await behind_another(queue, one, [queue.predict(one, f"play {name}") for name in names])
        slow.may_answer.set()
        return await asyncio.gather(*tasks)

    assert [artist(prediction) for prediction in asyncio.run(ask())] == ["first", *names]
    assert [len(batch) for batch in slow.handed] == [1, LARGEST_BATCH, 3]


def test_a_query_that_breaks_the_student_fails_alone(queue: StudentQueue, caplog: pytest.LogCaptureFixture) -> None:
    slow = SlowStudent()

    async def ask() -> list[Prediction]:
        one = champion(slow)
        texts = ["play a", "break it", "play b"]
        tasks = await behind_another(queue, one, [queue.predict(one, text) for text in texts])
        slow.may_answer.set()
        return await asyncio.gather(*tasks)

    _, before, broken, after = asyncio.run(ask())
    assert (artist(before), artist(after)) == ("a", "b")
    assert broken == Prediction(None, 0.0, "the student failed")
    assert caplog.text.count("failed; the teacher answers instead") == 1


def test_a_request_that_was_given_up_costs_nothing(queue: StudentQueue) -> None:
    slow = SlowStudent()

    async def ask() -> list[Prediction]:
        one = champion(slow)
        tasks = await behind_another(queue, one, [queue.predict(one, f"play {name}") for name in "abc"])
        tasks[0].cancel()
        tasks[2].cancel()
        await asyncio.sleep(0)
        slow.may_answer.set()
        return await asyncio.gather(*tasks[1::2])

    assert [artist(prediction) for prediction in asyncio.run(ask())] == ["a", "c"]
    assert slow.handed == [["play first"], ["play a", "play c"]]


def test_each_query_is_read_by_its_own_student(queue: StudentQueue) -> None:
    slow, other = SlowStudent(), SlowStudent()
    other.may_answer.set()

    async def ask() -> None:
        one, two = champion(slow), champion(other)
        asked = [queue.predict(who, f"play {name}") for who, name in ((one, "a"), (two, "b"), (two, "c"), (one, "d"))]
        tasks = await behind_another(queue, one, asked)
        slow.may_answer.set()
        await asyncio.gather(*tasks)

    asyncio.run(ask())
    assert other.handed == [["play b", "play c"]]
    assert slow.handed == [["play first"], ["play a"], ["play d"]]


def test_what_waits_at_the_end_is_answered(queue: StudentQueue) -> None:
    slow = SlowStudent()

    async def ask() -> list[Prediction]:
        one = champion(slow)
        tasks = await behind_another(queue, one, [queue.predict(one, f"play {name}") for name in "ab"])
        slow.may_answer.set()
        await asyncio.to_thread(queue.close)
        return await asyncio.gather(*tasks)

    assert [artist(prediction) for prediction in asyncio.run(ask())] == ["first", "a", "b"]
