"""A teacher's answer on its way back: its head is there, its body still to come."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from training.gateway.breaker import Attempt
from training.gateway.envelope import Headers, TeacherError
from training.gateway.http_connection import ConnectionBroken, HttpConnection
from training.selectors.snapshot import TeacherEntry

LARGEST_ANSWER_BYTES = 32 * 1024 * 1024
LONGEST_STREAM_SECONDS = 3600.0

NOT_SENT_BACK = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authentication-info te trailer transfer-encoding upgrade "
    b"content-length date server alt-svc set-cookie".split()
)
"""A cookie would belong to whoever asked first on the shared connection."""
NO_ANSWER = frozenset({502, 503, 504})
"""Statuses by which a proxy says that nothing behind it answers."""


class TeacherResponse:
    """Read it whole or chunk by chunk, then close it. Reading raises TeacherError: broken off (502), too slow (504)."""

    def __init__(
        self,
        teacher: TeacherEntry,
        connection: HttpConnection,
        attempt: Attempt,
        release: Callable[[HttpConnection], None],
        deadline: float,
    ) -> None:
        """`deadline`, in the loop's time, is that of a whole answer; a stream has one for each of its chunks."""
        self._teacher = teacher
        self._connection = connection
        self._attempt = attempt
        self._release = release
        self._deadline = deadline
        self._end_of_stream = asyncio.get_running_loop().time() + LONGEST_STREAM_SECONDS
        head = connection.received_head
        self.status = head.status
        self.streams = head.header(b"content-type").startswith(b"text/event-stream")
        self._unzip = _Unzip() if head.header(b"content-encoding") in (b"gzip", b"x-gzip") else None
        self.headers = _headers_back(head.headers, decoded=self._unzip is not None)

    async def read(self) -> bytes:
        """The whole body."""
        parts: list[bytes] = []
        size = 0
        with told(self._attempt, self._teacher):
            while part := await self._next(self._deadline):
                parts.append(part)
                size += len(part)
                if size > LARGEST_ANSWER_BYTES:
                    raise ConnectionBroken("The answer is too large.")
        self._answered()
        return b"".join(parts)

    async def chunk(self) -> bytes:
        """The next part of the body as it comes, empty at the end."""
        soon = asyncio.get_running_loop().time() + self._teacher.timeout_seconds
        with told(self._attempt, self._teacher):
            part = await self._next(min(soon, self._end_of_stream))
        self._answered()
        return part

    def close(self) -> None:
        self._attempt.dropped()
        self._release(self._connection)

    async def _next(self, deadline: float) -> bytes:
        while part := await self._connection.chunk(deadline):
            if plain := self._unzip.feed(part) if self._unzip else part:
                return plain
        if self._unzip:
            self._unzip.finish()
        return b""

    def _answered(self) -> None:
        if self.status in NO_ANSWER:
            self._attempt.failed()
        else:
            self._attempt.succeeded()


class _Unzip:
    """For teachers that zip though they are asked not to."""

    def __init__(self) -> None:
        self._inflater = zlib.decompressobj(wbits=31)

    def feed(self, data: bytes) -> bytes:
        try:
            plain = self._inflater.decompress(data, LARGEST_ANSWER_BYTES)
        except zlib.error as error:
            raise ConnectionBroken("The answer is not gzip, as it says.") from error
        if self._inflater.unconsumed_tail:
            raise ConnectionBroken("The answer is too large.")
        return plain

    def finish(self) -> None:
        if not self._inflater.eof:
            raise ConnectionBroken("The answer is gzip without its end.")


@contextmanager
def told(attempt: Attempt, teacher: TeacherEntry) -> Iterator[None]:
    """Failures inside are told to the breaker, and raised as what the application is told."""
    try:
        yield
    except ConnectionBroken as error:
        attempt.failed()
        raise TeacherError(
            502, "The teacher cannot be reached or broke off; try again later.", code="teacher_unreachable"
        ) from error
    except TimeoutError as error:
        attempt.failed()
        seconds = f"{teacher.timeout_seconds:g}"
        message = f"The teacher did not answer within {seconds} seconds."
        raise TeacherError(504, message, code="teacher_timeout") from error


def _headers_back(headers: Headers, *, decoded: bool) -> Headers:
    """The teacher's headers that are the application's to see; the body's encoding while it still has it."""
    left_out = NOT_SENT_BACK | {b"content-encoding"} if decoded else NOT_SENT_BACK
    return [(name, value) for name, value in headers if name not in left_out]
