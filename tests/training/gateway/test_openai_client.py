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


def allowed(mode: str, *names: str) -> dict[str, Any]:
    """A `tool_choice` that leaves only some of the tools."""
    tools = [{"type": "function", "function": {"name": name}} for name in names]
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}


CALL_BEFORE = {"id": "call_1", "type": "function", "function": {"name": "play_music", "arguments": "{}"}}


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


@pytest.mark.parametrize(
    ("choice", "goes_inline"),
    [
        ("auto", True),
        ("required", True),
        ("none", False),
        ({"type": "function", "function": {"name": "play_music"}}, True),
        ({"type": "function", "function": {"name": "set_alarm"}}, False),
        (allowed("auto", "play_music"), True),
        (allowed("required", "set_alarm", "play_music"), True),
        (allowed("auto", "set_alarm"), False),
    ],
)
def test_tool_choice_is_heeded(client: openai.OpenAI, teacher: FakeTeacher, choice: Any, goes_inline: bool) -> None:
    raw = client.chat.completions.with_raw_response.create(**arguments(INLINE, tool_choice=choice))
    assert (raw.headers["x-odia-route"] == "student") is goes_inline
    assert raw.parse().choices[0].message.tool_calls
    assert [sent["tool_choice"] for sent in teacher.requests] == ([] if goes_inline else [choice])


@pytest.mark.parametrize("parallel", [False, True])
def test_one_call_answers_whether_several_may_be_made_or_not(client: openai.OpenAI, parallel: bool) -> None:
    for text in (INLINE, TO_TEACHER):
        answer = client.chat.completions.create(**arguments(text, parallel_tool_calls=parallel))
        assert len(answer.choices[0].message.tool_calls or []) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 2},
        {"logprobs": True},
        {"response_format": {"type": "json_object"}},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}]},
        {
            "messages": [
                {"role": "user", "content": INLINE},
                {"role": "assistant", "tool_calls": [CALL_BEFORE]},
                {"role": "tool", "tool_call_id": "call_1", "content": "playing"},
            ]
        },
    ],
)
def test_what_a_student_cannot_answer_reaches_the_teacher_as_it_is(
    client: openai.OpenAI, teacher: FakeTeacher, fields: dict[str, Any]
) -> None:
    raw = client.chat.completions.with_raw_response.create(**arguments(INLINE) | fields)
    assert raw.headers["x-odia-route"] == "teacher"
    assert [{name: sent[name] for name in fields} for sent in teacher.requests] == [fields]


def test_content_in_parts_is_read_like_a_text(client: openai.OpenAI, teacher: FakeTeacher) -> None:
    parts = [{"type": "text", "text": INLINE}]
    raw = client.chat.completions.with_raw_response.create(
        **arguments(INLINE) | {"messages": [{"role": "user", "content": parts}]}
    )
    assert raw.headers["x-odia-route"] == "student" and not teacher.requests


def test_fields_of_the_future_reach_the_teacher(client: openai.OpenAI, teacher: FakeTeacher) -> None:
    client.chat.completions.create(**arguments(TO_TEACHER), extra_body={"of_the_future": {"a": [1.5]}})
    assert teacher.requests[-1]["of_the_future"] == {"a": [1.5]}


def test_without_tools_the_bytes_pass_untouched(client: openai.OpenAI, gateway: Gateway, teacher: FakeTeacher) -> None:
    """With the teacher's own model; the alias is the one thing that is changed."""
    sent: list[bytes] = []
    hook = {"request": [lambda request: sent.append(request.read())]}
    with openai.OpenAI(
        base_url=f"{gateway.url}/v1", api_key=KEY, http_client=openai.DefaultHttpxClient(event_hooks=hook)
    ) as watched:
        messages: Any = [{"role": "user", "content": "Grüße, 你好 😀"}]
        watched.chat.completions.create(model="large", messages=messages, temperature=0.0)
        watched.chat.completions.create(model="odia", messages=messages, temperature=0.0)
    assert teacher.bodies[0] == sent[0]
    assert json.loads(teacher.bodies[1]) == json.loads(sent[1]) | {"model": "large"}


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError),
        (409, openai.ConflictError),
        (422, openai.UnprocessableEntityError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (503, openai.InternalServerError),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_the_teachers_errors_are_the_clients_own_exceptions(
    client: openai.OpenAI, teacher: FakeTeacher, status: int, error: type[openai.APIStatusError], stream: bool
) -> None:
    told = {"message": "of the teacher", "type": "some_error", "param": "messages", "code": "some_code"}
    teacher.status, teacher.raw = status, json.dumps({"error": told}).encode()
    with pytest.raises(error, match="of the teacher") as raised:
        client.chat.completions.create(**arguments(TO_TEACHER, stream=stream))
    assert (raised.value.code, raised.value.param, raised.value.type) == ("some_code", "messages", "some_error")
    teacher.reset()
    client.chat.completions.create(**arguments(TO_TEACHER))


def test_a_body_that_is_too_large_is_told_so(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError, match="send less") as raised:
        client.chat.completions.create(**arguments("x" * 2**20))
    assert (raised.value.status_code, raised.value.code) == (413, "request_too_large")


def test_the_client_tries_again_where_it_is_worth_it(gateway: Gateway, teacher: FakeTeacher) -> None:
    """An ODIA in front changes nothing about the client's own retries."""
    teacher.status, teacher.raw = 500, b"{}"
    with (
        openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=1) as client,
        pytest.raises(openai.InternalServerError),
    ):
        client.chat.completions.create(**arguments(TO_TEACHER))
    assert len(teacher.requests) == 2


@pytest.mark.parametrize("text", [INLINE, TO_TEACHER])
def test_the_trace_goes_on(client: openai.OpenAI, teacher: FakeTeacher, text: str) -> None:
    """As OpenTelemetry's instrumentation of a client writes it."""
    trace = {
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "tracestate": "vendor=value,other=1",
        "baggage": "user=alice,session=42",
    }
    client.chat.completions.create(**arguments(text), extra_headers=trace)
    client.chat.completions.create(**arguments(text), extra_headers={"traceparent": "garbage", "baggage": ",,=;"})
    passed = [{name: headers[name] for name in trace if name in headers} for headers in teacher.headers]
    assert passed == ([] if text == INLINE else [trace, {"traceparent": "garbage", "baggage": ",,=;"}])
