"""The simulated teacher over HTTP, asked with the official client and with ODIA's own."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
import uvicorn

from curation.ml.calls import Call
from curation.sample.teacher import build_app
from curation.sample.tools import TOOLS
from curation.sample.wire import MODEL
from curation.teachers.openai_api import TeacherEndpoint, ask, check_connection

QUESTION = [{"role": "user", "content": "play bohemian rhapsody by queen please"}]
CALL = Call("play_song", {"song": "bohemian rhapsody", "artist": "queen"})


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(build_app(scale=0.001), log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
    server.should_exit = True
    thread.join()
    listening.close()


@pytest.fixture
def client(base_url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=base_url, api_key="none", max_retries=0) as client:
        yield client


def create(client: openai.OpenAI, **changes: Any) -> Any:
    """A ChatCompletion, or with `stream` its chunks."""
    request: dict[str, Any] = {"model": MODEL, "messages": QUESTION, "tools": TOOLS}
    return client.chat.completions.create(**(request | changes))


def test_the_official_client_gets_a_call(client: openai.OpenAI) -> None:
    answer = create(client)
    [tool_call] = answer.choices[0].message.tool_calls or []
    assert tool_call.type == "function"
    assert Call(tool_call.function.name, json.loads(tool_call.function.arguments)) == CALL
    assert answer.choices[0].finish_reason == "tool_calls" and answer.model == MODEL
    assert answer.usage and answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_the_official_client_gets_a_stream(client: openai.OpenAI) -> None:
    chunks = list(create(client, stream=True))
    functions = [call.function for chunk in chunks for call in chunk.choices[0].delta.tool_calls or []]
    assert [function.name for function in functions] == ["play_song"]
    assert json.loads("".join(function.arguments for function in functions)) == CALL.arguments
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


def test_text_without_a_call(client: openai.OpenAI) -> None:
    unable: list[dict[str, Any]] = [{"tools": openai.omit}, {"tools": TOOLS[1:]}, {"tool_choice": "none"}]
    for changes in unable:
        message = create(client, **changes).choices[0].message
        assert message.content and not message.tool_calls


def test_parts_of_text_and_earlier_turns_are_read(client: openai.OpenAI) -> None:
    parts = [{"type": "text", "text": "play it"}, {"type": "text", "text": " on the kitchen speaker"}]
    messages = [*QUESTION, {"role": "assistant", "content": None}, {"role": "user", "content": parts}]
    [tool_call] = create(client, messages=messages).choices[0].message.tool_calls or []
    assert tool_call.type == "function" and tool_call.function.name == "cast_to"


def test_the_models_are_listed(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [MODEL]


def test_an_unknown_model_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match=MODEL):
        create(client, model="gpt-none")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"[" * 100_000,
        b"\xff",
        json.dumps({"model": MODEL}).encode(),
        json.dumps({"model": MODEL, "messages": []}).encode(),
        json.dumps({"model": MODEL, "messages": ["hi"]}).encode(),
        json.dumps({"model": MODEL, "messages": [{"content": "hi"}]}).encode(),
        json.dumps({"model": MODEL, "messages": [{"role": "user", "content": 5}]}).encode(),
        json.dumps({"model": MODEL, "messages": QUESTION, "tools": "all"}).encode(),
        json.dumps({"model": MODEL, "messages": QUESTION, "tools": [{"function": 5}]}).encode(),
    ],
)
def test_bad_requests_get_openais_error_envelope(base_url: str, body: bytes) -> None:
    answer = httpx.post(f"{base_url}/chat/completions", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert answer.json()["error"]["message"].endswith(".")


def test_odias_own_client_gets_the_call_and_many_at_once(base_url: str) -> None:
    async def run() -> list[Call | None]:
        async with httpx.AsyncClient() as client:
            endpoint = TeacherEndpoint(base_url, MODEL)
            answers = await asyncio.gather(*(ask(client, endpoint, QUESTION, TOOLS) for _ in range(50)))
            return [answer.call for answer in answers]

    assert asyncio.run(run()) == [CALL] * 50


def test_the_connection_check_tells_what_is_wrong(base_url: str) -> None:
    assert check_connection(TeacherEndpoint(base_url, MODEL)) is None
    assert "gpt-none" in str(check_connection(TeacherEndpoint(base_url, "gpt-none")))
    assert "not a chat completions API" in str(check_connection(TeacherEndpoint(f"{base_url}/v9", MODEL)))
