"""A teacher whose behaviour is set while it runs: well, slow, resetting, answering garbage, 429 or 500."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import struct
from typing import Any, cast

from tests.bench.stand import usual_completion
from tests.bench.wire import Messages
from tests.training.gateway.servers import events

WELL = "well"
MODES = (WELL, "slow", "reset", "half an answer", "garbage", "no HTTP", "429", "500")
SLOW_SECONDS = 1.5
STATUS_LINES = {"429": "429 Too Many Requests\r\nretry-after: 1", "500": "500 Internal Server Error"}
LINGER_NOT = struct.pack("ii", 1, 0)
"""Closing sends a reset."""


class Teacher:
    """Serves one port in the event loop that it was started in."""

    def __init__(self) -> None:
        self.mode = WELL
        self.port = 0
        self.asked = 0

    async def start(self) -> None:
        server = await asyncio.get_running_loop().create_server(lambda: _Requests(self), "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]


class _Requests(asyncio.Protocol):
    def __init__(self, teacher: Teacher) -> None:
        self._teacher = teacher
        self._messages = Messages()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        message = self._messages.feed(data)
        if message is None:
            return
        self._teacher.asked += 1
        wait = SLOW_SECONDS if self._teacher.mode == "slow" else 0.0
        asyncio.get_running_loop().call_later(wait, self._answer, message[1])

    def _answer(self, body: bytes) -> None:
        mode = self._teacher.mode
        if self._transport.is_closing():
            return
        if mode == "reset":
            self._reset()
        elif mode == "no HTTP":
            self._transport.write(random.randbytes(400))
            self._transport.close()
        elif mode == "garbage":
            self._transport.write(whole("200 OK", random.randbytes(400)))
        elif mode in STATUS_LINES:
            error = {"error": {"message": "as it was told", "type": "server_error", "code": f"told_{mode}"}}
            self._transport.write(whole(STATUS_LINES[mode], json.dumps(error).encode()))
        else:
            answer = streamed() if wants_stream(body) else whole("200 OK", json.dumps(usual_completion()).encode())
            self._write(answer, broken=mode == "half an answer")

    def _write(self, answer: bytes, *, broken: bool) -> None:
        if broken:
            self._transport.write(answer[: len(answer) // 2])
            asyncio.get_running_loop().call_later(0.01, self._reset)
        else:
            self._transport.write(answer)

    def _reset(self) -> None:
        if not self._transport.is_closing():
            connection = cast(socket.socket, self._transport.get_extra_info("socket"))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
            self._transport.abort()


def wants_stream(body: bytes) -> bool:
    try:
        request: Any = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(request, dict) and request.get("stream") is True


def whole(status_line: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status_line}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def streamed() -> bytes:
    """The usual completion as server-sent events, each a chunk of its own."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in [*events(usual_completion()), b""])
