from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from curation.teachers.openai_api import TeacherEndpoint, TeacherError, ask
from curation.teachers.retry_after import seconds_of


def answer(written: str | None, status: int = 429) -> httpx.Response:
    return httpx.Response(status, headers={} if written is None else {"retry-after": written})


@pytest.mark.parametrize(("written", "seconds"), [("7", 7), (" 0 ", 0), ("999999", 3600)])
def test_seconds_are_taken_up_to_an_hour(written: str, seconds: float) -> None:
    assert seconds_of(answer(written)) == seconds


def test_a_date_is_taken_and_one_in_the_past_means_now() -> None:
    now = datetime.now(UTC)
    assert seconds_of(answer(format_datetime(now + timedelta(seconds=600), usegmt=True))) == pytest.approx(600, abs=60)
    assert seconds_of(answer(format_datetime(now - timedelta(days=1), usegmt=True))) == 0


@pytest.mark.parametrize("written", [None, "", "soon", "-3", "1.5.2", "Wed, 99 Foo 2026 00:00:00 GMT"])
def test_what_cannot_be_read_says_nothing(written: str | None) -> None:
    assert seconds_of(answer(written)) is None


@pytest.mark.parametrize("status", [429, 503])
def test_an_error_tells_how_long_to_wait(status: int) -> None:
    async def run() -> None:
        transport = httpx.MockTransport(lambda request: answer("12", status))
        async with httpx.AsyncClient(transport=transport) as client:
            await ask(client, TeacherEndpoint("http://teacher/v1", "m"), [{"role": "user", "content": "Hi"}], None)

    with pytest.raises(TeacherError) as caught:
        asyncio.run(run())
    assert (caught.value.retryable, caught.value.retry_after, caught.value.status) == (True, 12, status)
