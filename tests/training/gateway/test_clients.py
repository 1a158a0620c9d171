"""LangChain and curl: as they are, with only the address and the key changed."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from tests.training.gateway.conftest import KEY, TOOLS, Gateway
from tests.training.gateway.servers import FakeTeacher

INLINE, TO_TEACHER = "play Sade", "please play something"
ANSWERS = [(INLINE, "Sade"), (TO_TEACHER, "Nina Simone")]


def chat_model(gateway: Gateway, **options: Any) -> ChatOpenAI:
    return ChatOpenAI(model="odia", base_url=f"{gateway.url}/v1", api_key=SecretStr(KEY), max_retries=0, **options)


@pytest.fixture
def model(gateway: Gateway) -> Iterator[ChatOpenAI]:
    with openai.DefaultHttpxClient() as http_client:
        yield chat_model(gateway, http_client=http_client)


def artist(message: AIMessage) -> str:
    [call] = message.tool_calls
    assert (call["name"], bool(call["id"])) == ("play_music", True)
    return call["args"]["artist"]


def joined(pieces: list[Any]) -> AIMessage:
    """LangChain adds the pieces of a stream up."""
    return sum(pieces[1:], pieces[0])


@pytest.mark.parametrize(("text", "expected"), ANSWERS)
def test_langchain_calls_a_tool(model: ChatOpenAI, text: str, expected: str) -> None:
    message = model.bind_tools(TOOLS).invoke(text)
    assert artist(message) == expected
    assert message.response_metadata["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(("text", "expected"), ANSWERS)
def test_langchain_streams_a_call(model: ChatOpenAI, text: str, expected: str) -> None:
    assert artist(joined(list(model.bind_tools(TOOLS).stream(text)))) == expected


@pytest.mark.parametrize(("text", "expected"), ANSWERS)
def test_langchain_asks_asynchronously(gateway: Gateway, text: str, expected: str) -> None:
    async def ask() -> list[AIMessage]:
        async with openai.DefaultAsyncHttpxClient() as http_client:
            bound = chat_model(gateway, http_async_client=http_client).bind_tools(TOOLS)
            whole = await bound.ainvoke(text)
            pieces = [piece async for piece in bound.astream(text)]
            return [whole, joined(pieces)]

    assert [artist(message) for message in asyncio.run(ask())] == [expected] * 2


def test_langchain_goes_on_with_a_conversation(model: ChatOpenAI, teacher: FakeTeacher) -> None:
    teacher.call = None
    calls: list[Any] = [{"name": "play_music", "args": {"artist": "Sade"}, "id": "call_1"}]
    messages = [
        SystemMessage("Be brief."),
        HumanMessage(INLINE),
        AIMessage("", tool_calls=calls),
        ToolMessage("playing", tool_call_id="call_1"),
    ]
    assert model.bind_tools(TOOLS, tool_choice="auto").invoke(messages).content == "Hello."
    assert [message["role"] for message in teacher.requests[-1]["messages"]] == ["system", "user", "assistant", "tool"]


def test_langchain_without_tools_gets_the_teachers_text(model: ChatOpenAI, teacher: FakeTeacher) -> None:
    teacher.call = None
    assert model.invoke(INLINE).content == "Hello."
    assert "tools" not in teacher.requests[-1]


def curl(gateway: Gateway, path: str, *arguments: str, key: str = KEY) -> tuple[int, str]:
    """Status and body."""
    command = ["curl", "--silent", "--show-error", "--write-out", "\n%{http_code}", f"{gateway.url}{path}"]
    done = subprocess.run(
        [*command, "--header", f"Authorization: Bearer {key}", *arguments], capture_output=True, text=True, check=True
    )
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


def asking(text: str, **fields: Any) -> list[str]:
    body = {"model": "odia", "messages": [{"role": "user", "content": text}], "tools": TOOLS} | fields
    return ["--header", "Content-Type: application/json", "--data", json.dumps(body)]


@pytest.mark.parametrize(("text", "expected"), ANSWERS)
def test_curl_gets_a_completion(gateway: Gateway, text: str, expected: str) -> None:
    status, body = curl(gateway, "/v1/chat/completions", *asking(text))
    [call] = json.loads(body)["choices"][0]["message"]["tool_calls"]
    assert (status, json.loads(call["function"]["arguments"])) == (200, {"artist": expected})


@pytest.mark.parametrize("text", [INLINE, TO_TEACHER])
def test_curl_gets_a_stream(gateway: Gateway, text: str) -> None:
    status, body = curl(gateway, "/v1/chat/completions", "--no-buffer", *asking(text, stream=True))
    events = [line for line in body.splitlines() if line]
    assert status == 200 and all(line.startswith("data: ") for line in events)
    assert events[-1] == "data: [DONE]" and len(events) >= 3


def test_curl_may_send_in_chunks_and_ask_first(gateway: Gateway) -> None:
    """`Expect: 100-continue` is what curl sends with larger bodies."""
    headers = ["--header", "Transfer-Encoding: chunked", "--header", "Expect: 100-continue"]
    status, body = curl(gateway, "/v1/chat/completions", *headers, *asking(INLINE, metadata={"filler": "x" * 100_000}))
    assert status == 200 and json.loads(body)["object"] == "chat.completion"


def test_curl_is_told_what_is_wrong(gateway: Gateway) -> None:
    assert curl(gateway, "/v1/models", key="odia-wrong")[0] == 401
    status, body = curl(gateway, "/v1/chat/completions", "--data", "{")
    assert status == 400 and "not JSON" in json.loads(body)["error"]["message"]
    assert curl(gateway, "/v1/models")[0] == 200
