"""HTTP/1.1 as the measurements need it: a client that costs little itself, and a teacher that answers at once."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, NamedTuple, TypeVar, cast

import uvloop

T = TypeVar("T")


class Answer(NamedTuple):
    """`seconds` from the first byte sent to the last byte received."""

    status: int
    head: bytes
    body: bytes
    seconds: float

    def header(self, name: str) -> str:
        """A header's value by its name in lower case; empty if it is absent."""
        return header_in(self.head, name.encode())


class Broken(ConnectionError):
    """The connection ended before the whole answer had come."""


def header_in(head: bytes, name: bytes) -> str:
    for line in head.split(b"\r\n")[1:]:
        written, _, value = line.partition(b":")
        if written.lower() == name:
            return value.strip().decode("latin-1")
    return ""


class Messages:
    """Cuts what comes over one connection into messages, of a stated length or in chunks."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> tuple[bytes, bytes] | None:
        """Head and body, once all of it has come; what follows is kept."""
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n") + 4
        if end < 4:
            return None
        head = bytes(self._buffer[: end - 4])
        if head.startswith(b"HTTP/1.1 100"):
            del self._buffer[:end]
            return self.feed(b"")
        length = header_in(head, b"content-length")
        if not length and header_in(head, b"transfer-encoding"):
            return self._chunked(head, end)
        size = int(length or 0)
        if len(self._buffer) < end + size:
            return None
        body = bytes(self._buffer[end : end + size])
        del self._buffer[: end + size]
        return head, body

    def _chunked(self, head: bytes, at: int) -> tuple[bytes, bytes] | None:
        body = bytearray()
        while (line_end := self._buffer.find(b"\r\n", at)) >= 0:
            size = int(self._buffer[at:line_end].partition(b";")[0], 16)
            at = line_end + 2
            if len(self._buffer) < at + size + 2:
                return None
            body += self._buffer[at : at + size]
            at += size + 2
            if size == 0:
                del self._buffer[:at]
                return head, bytes(body)
        return None


class Connection(asyncio.Protocol):
    """One kept-alive connection with one request on it at a time."""

    def __init__(self) -> None:
        self._messages = Messages()
        self._waiting: asyncio.Future[Answer] | None = None
        self._transport: asyncio.Transport | None = None
        self._sent = 0.0
        self.alive = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        message = self._messages.feed(data)
        if message and self._waiting and not self._waiting.done():
            head, body = message
            seconds = time.perf_counter() - self._sent
            self._waiting.set_result(Answer(int(head[9:12]), head, body, seconds))

    def connection_lost(self, error: Exception | None) -> None:
        self.alive = False
        if self._waiting and not self._waiting.done():
            self._waiting.set_exception(Broken(str(error or "closed")))

    async def ask(self, request: bytes) -> Answer:
        """Raises Broken where the other side ends the connection."""
        assert self._transport is not None
        if not self.alive:
            raise Broken("closed")
        self._waiting = asyncio.get_running_loop().create_future()
        self._sent = time.perf_counter()
        self._transport.write(request)
        answer = await self._waiting
        if header_in(answer.head, b"connection").lower() == "close":
            self.close()
        return answer

    def close(self) -> None:
        self.alive = False
        if self._transport:
            self._transport.close()


class Pool:
    """Kept-alive connections to one port, opened when all are busy."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[Connection] = []

    async def ask(self, request: bytes) -> Answer:
        """Raises OSError: no connection; Broken: it ended before the answer."""
        connection = await self._take()
        try:
            answer = await connection.ask(request)
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        return answer

    async def _take(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.alive:
                return connection
        _, opened = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", self._port)
        return opened

    def close(self) -> None:
        for connection in self._idle:
            connection.close()


def post(body: bytes, *, key: str = "", path: str = "/v1/chat/completions") -> bytes:
    """A whole request."""
    authorization = f"authorization: Bearer {key}\r\n" if key else ""
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{authorization}content-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def get(path: str, *, authorization: bytes = b"") -> bytes:
    line = b"authorization: " + authorization + b"\r\n" if authorization else b""
    return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n".encode() + line + b"\r\n"


class InstantTeacher(asyncio.Protocol):
    """Answers each request at once with the same completion. An event stream is none of its business."""

    answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._messages = Messages()
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._messages.feed(data):
            self._transport.write(self.answer)


def serve_instantly(completion: dict[str, Any]) -> None:
    """Serve until the process is ended; the first line printed is the port."""

    async def run() -> None:
        body = json.dumps(completion).encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        InstantTeacher.answer = head.encode() + body
        server = await asyncio.get_running_loop().create_server(InstantTeacher, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    run_fast(run())


def run_fast(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


async def at_times(times: Sequence[float], act: Callable[[int], Coroutine[Any, Any, None]]) -> None:
    """An open loop: `act(i)` is begun `times[i]` seconds from now, whether the earlier ones have ended or not."""
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number, at in enumerate(times):
            if (wait := at - (time.perf_counter() - started)) > 0:
                await asyncio.sleep(wait)
            group.create_task(act(number))
