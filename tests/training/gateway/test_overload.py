"""Too many requests, or a teacher that does not answer: the gateway refuses at once instead of collapsing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import openai
import pytest

from tests.training.gateway.conftest import KEY, STRICT_CONCURRENCY, TOOLS, Gateway
from tests.training.gateway.raw_teacher import RawTeacher, http_answer, listening
from tests.training.gateway.servers import FakeTeacher, wait_until
from training.gateway.breaker import FAILURES
from training.selectors.snapshot import TeacherEntry


def teachers(gateway: Gateway) -> dict[str, str]:
    return gateway.client.get("/readyz").json()["teachers"]


# Too many requests at once


def test_above_the_limit_a_request_is_told_to_come_again(strict: Gateway, teacher: FakeTeacher) -> None:
    teacher.seconds = 1.0
    with ThreadPoolExecutor() as pool:
        waiting = [pool.submit(strict.ask, f"waits {number}") for number in range(STRICT_CONCURRENCY)]
        wait_until(lambda: len(teacher.requests) == STRICT_CONCURRENCY, "the requests in flight")
        refused = strict.ask("one too many")
        inline = strict.ask("play Sade")
        assert [future.result().status_code for future in waiting] == [200] * STRICT_CONCURRENCY
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert refused.json()["error"]["code"] == "overloaded"
    assert inline.headers["x-odia-route"] == "student", "what needs no teacher is answered"
    [record] = strict.records("one too many")
    assert (record.status, record.route, record.answer) == (429, "fallback", None)
    teacher.seconds = 0.0
    assert strict.ask("afterwards").status_code == 200


def test_requests_that_fail_or_are_left_make_room_again(strict: Gateway, teacher: FakeTeacher) -> None:
    teacher.seconds = 30.0
    for number in range(3 * STRICT_CONCURRENCY):
        with pytest.raises(httpx.ReadTimeout):
            strict.client.post("/v1/chat/completions", json=chat(f"leaves {number}"), timeout=0.1)
        wait_until(lambda: teacher.cancelled == number + 1, "the end of the call")  # noqa: B023
    with listening(RawTeacher(*[b"no http"] * 6, last_words=True)) as url:
        strict.know(teacher=TeacherEntry(url, "large", "", 20.0))
        assert [strict.ask("fails").status_code for _ in range(3 * STRICT_CONCURRENCY)] == [
            502
        ] * 3 * STRICT_CONCURRENCY
    teacher.seconds = 0.0
    strict.know()
    assert strict.ask("afterwards").status_code == 200


def chat(text: str, **fields: Any) -> dict[str, Any]:
    return {"model": "odia", "messages": [{"role": "user", "content": text}], "tools": TOOLS} | fields


def test_the_teachers_own_limit_passes_through(strict: Gateway) -> None:
    body = b'{"error": {"message": "slow down", "type": "requests", "param": null, "code": "rate_limit_exceeded"}}'
    with listening(RawTeacher(http_answer(body, b"retry-after: 7", status=b"429 Too Many Requests"))) as url:
        strict.know(teacher=TeacherEntry(url, "large", "", 20.0))
        response = strict.ask("too often for the teacher")
    assert (response.status_code, response.headers["retry-after"], response.content) == (429, "7", body)


# A teacher that does not answer


def test_a_teacher_that_does_not_answer_is_left_alone_and_found_again(strict: Gateway, teacher: FakeTeacher) -> None:
    """With OpenAI's client, which tells by the error's class whether it may try again."""
    address = f"{strict.teacher_url}/breaks/v1"
    strict.know(teacher=TeacherEntry(address, "large", "", 20.0))
    teacher.status, teacher.raw = 503, b"no upstream"
    for number in range(FAILURES):
        assert strict.ask(f"fails {number}").content == b"no upstream"
    assert teachers(strict)[address] == "open"
    with (
        openai.OpenAI(base_url=f"{strict.url}/v1", api_key=KEY, max_retries=0) as client,
        pytest.raises(openai.InternalServerError) as refused,
    ):
        client.chat.completions.create(**chat("refused at once"))
    assert (refused.value.status_code, refused.value.code) == (503, "teacher_unavailable")
    assert int(refused.value.response.headers["retry-after"]) in (1, 2)
    assert len(teacher.requests) == FAILURES, "it was not asked"
    assert [record.status for record in strict.records("refused at once")] == [503]
    assert strict.ask("play Sade").headers["x-odia-route"] == "student"
    teacher.reset()
    wait_until(lambda: strict.ask("is it there").status_code == 200, "the probe")
    assert teachers(strict)[address] == "closed"


def test_a_probe_whose_client_left_does_not_block_the_next(strict: Gateway, teacher: FakeTeacher) -> None:
    address = f"{strict.teacher_url}/left/v1"
    strict.know(teacher=TeacherEntry(address, "large", "", 20.0))
    teacher.status = 504
    for _ in range(FAILURES):
        strict.ask("fails")
    teacher.reset()
    teacher.seconds = 30.0
    wait_until(lambda: leaves_after_asking(strict, teacher), "a probe that is left")
    wait_until(lambda: teacher.cancelled == 1, "its end")
    teacher.reset()
    wait_until(lambda: strict.ask("is it there").status_code == 200, "the next probe")


def leaves_after_asking(gateway: Gateway, teacher: FakeTeacher) -> bool:
    try:
        gateway.client.post("/v1/chat/completions", json=chat("in a hurry"), timeout=0.2)
    except httpx.ReadTimeout:
        return True
    return False


@pytest.mark.parametrize("status", [400, 404, 408, 429, 500])
def test_errors_that_a_teacher_answers_with_never_open_it(strict: Gateway, teacher: FakeTeacher, status: int) -> None:
    teacher.status, teacher.raw = status, b"{}"
    assert [strict.ask("fails").status_code for _ in range(2 * FAILURES)] == [status] * 2 * FAILURES
    assert teachers(strict)[f"{strict.teacher_url}/v1"] == "closed"


def test_time_outs_open_it(strict: Gateway, teacher: FakeTeacher) -> None:
    address = f"{strict.teacher_url}/slow/v1"
    strict.know(teacher=TeacherEntry(address, "large", "", 0.02))
    teacher.seconds = 30.0
    assert [strict.ask("slow").status_code for _ in range(FAILURES)] == [504] * FAILURES
    assert strict.ask("slow").status_code == 503
