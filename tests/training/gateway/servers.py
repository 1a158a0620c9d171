"""Real servers for the tests: anything ASGI behind uvicorn on a free port, and a teacher that does as it is told."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from training.gateway.serve import GatewayProtocol, server_config

PATIENCE_SECONDS = 60.0


def wait_until(holds: Callable[[], Any], what: str = "the condition") -> None:
    """Look again and again until it holds; fails when it has not come to in time."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < give_up_at, f"{what} did not come to hold"
        time.sleep(0.02)


@contextmanager
def running(
    application: ASGIApp, lifespan: Literal["on", "off"] = "on", protocol: type[GatewayProtocol] = GatewayProtocol
) -> Iterator[str]:
    """The address of a server for this application, the gateway's own, while the block lasts."""
    config = server_config(application, protocol)
    config.port, config.lifespan = 0, lifespan
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started, "the start of the server")
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def completion(text: str, call: dict[str, Any] | None = None) -> dict[str, Any]:
    """A `chat.completion` with a text or a call."""
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if call:
        function = {"name": call["name"], "arguments": json.dumps(call["arguments"])}
        tool_call = {"id": "call_1", "type": "function", "function": function}
        message = {"role": "assistant", "content": None, "tool_calls": [tool_call]}
    return {
        "id": "chatcmpl-teacher",
        "object": "chat.completion",
        "created": 1,
        "model": "large-2026",
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls" if call else "stop"}],
        "usage": {"prompt_tokens": 90, "completion_tokens": 7, "total_tokens": 97},
    }


def events(body: dict[str, Any]) -> list[bytes]:
    """The same as server-sent events, the arguments of a call in pieces."""
    head = {name: body[name] for name in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    message = body["choices"][0]["message"]
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": message["content"]}]
    for tool_call in message.get("tool_calls", ()):
        written = tool_call["function"]["arguments"]
        deltas.append(
            {"tool_calls": [{"index": 0, **tool_call, "function": {**tool_call["function"], "arguments": ""}}]}
        )
        deltas += [
            {"tool_calls": [{"index": 0, "function": {"arguments": part}}]} for part in (written[:5], written[5:])
        ]
    chunks = [head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    end = {"index": 0, "delta": {}, "finish_reason": body["choices"][0]["finish_reason"]}
    chunks += [head | {"choices": [end]}, head | {"choices": [], "usage": body["usage"]}]
    return [b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks] + [b"data: [DONE]\n\n"]


class FakeTeacher:
    """An OpenAI-compatible server. What it does is set before a request, what it got is looked at after."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.call: dict[str, Any] | None = {"name": "play_music", "arguments": {"artist": "Nina Simone"}}
        self.status = 200
        self.raw: bytes | None = None
        self.seconds = 0.0
        self.breaks_off = False
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self.cancelled = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        self.bodies.append(body)
        self.requests.append(json.loads(body))
        self.headers.append({name.decode(): value.decode("latin-1") for name, value in scope["headers"]})
        if self.seconds and await self._client_leaves(receive):
            self.cancelled += 1
            return
        await self._answer(self.requests[-1].get("stream") is True, send)

    async def _client_leaves(self, receive: Receive) -> bool:
        try:
            await asyncio.wait_for(receive(), self.seconds)
        except TimeoutError:
            return False
        return True

    async def _answer(self, stream: bool, send: Send) -> None:
        answer = completion("Hello.", self.call)
        kind, parts = b"application/json", [json.dumps(answer).encode() if self.raw is None else self.raw]
        if stream and self.raw is None and self.status == 200:
            kind, parts = b"text/event-stream", events(answer)
        headers = [(b"content-type", kind), (b"x-request-id", b"of-the-teacher"), (b"set-cookie", b"a=b")]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        for part in parts[: 2 if self.breaks_off else None]:
            await send({"type": "http.response.body", "body": part, "more_body": True})
            await asyncio.sleep(0.001)
        if not self.breaks_off:
            await send({"type": "http.response.body", "body": b""})
