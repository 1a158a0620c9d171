"""The official client works unchanged: only the base URL and the key are ODIA's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.training.gateway.conftest import KEY, TOOLS, Gateway
from tests.training.gateway.servers import FakeTeacher

INLINE, TO_TEACHER = "play Sade", "please play something"


@pytest.fixture
def client(gateway: Gateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0) as client:
        yield client


def arguments(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "odia", "messages": [{"role": "user", "content": text}], "tools": TOOLS, **more}


def joined(chunks: list[Any]) -> tuple[str, dict[str, Any], str]:
    """Name, arguments and finish reason from the chunks of a stream."""
    choices = [choice for chunk in chunks for choice in chunk.choices]
    parts = [call.function for choice in choices for call in choice.delta.tool_calls or ()]
    written = "".join(part.arguments or "" for part in parts)
    finish = next(choice.finish_reason for choice in choices if choice.finish_reason)
    return "".join(part.name or "" for part in parts), json.loads(written), finish


@pytest.mark.parametrize(("text", "artist"), [(INLINE, "Sade"), (TO_TEACHER, "Nina Simone")])
def test_a_call_comes_back_whole(client: openai.OpenAI, text: str, artist: str) -> None:
    answer = client.chat.completions.create(**arguments(text))
    [call] = answer.choices[0].message.tool_calls or []
    assert call.type == "function" and call.id
    assert call.function.name == "play_music"
    assert json.loads(call.function.arguments) == {"artist": artist}
    assert answer.choices[0].finish_reason == "tool_calls"


@pytest.mark.parametrize(("text", "artist"), [(INLINE, "Sade"), (TO_TEACHER, "Nina Simone")])
def test_a_call_comes_back_as_a_stream(client: openai.OpenAI, text: str, artist: str) -> None:
    options = {"stream_options": {"include_usage": True}}
    with client.chat.completions.create(**arguments(text, stream=True, **options)) as stream:
        chunks = list(stream)
    assert joined(chunks) == ("play_music", {"artist": artist}, "tool_calls")
    assert chunks[-1].usage is not None and not chunks[-1].choices


def test_a_student_stream_bears_no_usage_unless_asked(client: openai.OpenAI) -> None:
    with client.chat.completions.create(**arguments(INLINE, stream=True)) as stream:
        chunks = list(stream)
    assert len(chunks) == 3
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)


def test_the_stream_helper_of_the_client_understands_both(client: openai.OpenAI) -> None:
    for text in (INLINE, TO_TEACHER):
        with client.chat.completions.stream(**arguments(text)) as stream:
            [call] = stream.get_final_completion().choices[0].message.tool_calls or []
        assert call.function.name == "play_music"


def test_text_of_the_teacher_comes_back(client: openai.OpenAI, teacher: FakeTeacher) -> None:
    teacher.call = None
    assert client.chat.completions.create(**arguments(TO_TEACHER)).choices[0].message.content == "Hello."


def test_many_at_once_with_the_asynchronous_client(gateway: Gateway) -> None:
    async def ask_all() -> list[str]:
        async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0) as client:

            async def whole(text: str) -> str:
                answer = await client.chat.completions.create(**arguments(text))
                return json.loads(answer.choices[0].message.tool_calls[0].function.arguments)["artist"]

            async def streamed(text: str) -> str:
                stream = await client.chat.completions.create(**arguments(text, stream=True))
                return joined([chunk async for chunk in stream])[1]["artist"]

            asked = [f"play number {n}" if n % 2 else f"ask number {n}" for n in range(40)]
            return await asyncio.gather(*((whole if n % 4 < 2 else streamed)(text) for n, text in enumerate(asked)))

    expected = [f"number {n}" if n % 2 else "Nina Simone" for n in range(40)]
    assert asyncio.run(ask_all()) == expected


def test_models_are_listed_and_found(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["odia", "large"]
    assert client.models.retrieve("large").owned_by == "teacher"
    with pytest.raises(openai.NotFoundError, match="There is no model `huge` here; use `odia` or `large`"):
        client.models.retrieve("huge")


def test_errors_are_the_clients_own_exceptions(gateway: Gateway, client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        client.chat.completions.create(**arguments(INLINE) | {"model": "gpt-unknown"})
    assert unknown.value.code == "model_not_found" and unknown.value.param == "model"
    with pytest.raises(openai.BadRequestError, match="at least one message"):
        client.chat.completions.create(**arguments(INLINE) | {"messages": []})
    with pytest.raises(openai.AuthenticationError, match="wrong or was revoked"):
        client.with_options(api_key="odia-wrong").chat.completions.create(**arguments(INLINE))
    with pytest.raises(openai.NotFoundError, match="nothing at this address"):
        client.embeddings.create(model="odia", input="x")


def test_a_teacher_that_breaks_off_a_stream_is_an_error_not_an_end(client: openai.OpenAI, teacher: FakeTeacher) -> None:
    teacher.breaks_off = True
    with (
        client.chat.completions.create(**arguments(TO_TEACHER, stream=True)) as stream,
        pytest.raises(openai.APIError, match="broke off"),
    ):
        list(stream)
