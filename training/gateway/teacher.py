"""The way to the teacher: its key, its connections, one retry, a limit on requests in flight and a circuit breaker."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field

from curation.teachers.secrets import SecretError, read_key
from training.gateway.breaker import Attempt, Breaker
from training.gateway.endpoint import AddressInvalid, Endpoint
from training.gateway.envelope import Headers, TeacherError
from training.gateway.http_connection import ConnectionBroken, HttpConnection, RawHeaders
from training.gateway.teacher_response import TeacherResponse, told
from training.selectors.snapshot import TeacherEntry

CONCURRENCY = 512

HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade".split()
)
CREDENTIALS = frozenset(b"authorization api-key x-api-key cookie".split())
"""The application's are the gateway's to check, and none of the teacher's business."""
NOT_SENT_ON = HOP_BY_HOP | CREDENTIALS | {b"host", b"content-length", b"accept-encoding", b"expect"}
REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(slots=True)
class Line:
    """What this process knows of one teacher's address."""

    endpoint: Endpoint
    breaker: Breaker = field(default_factory=Breaker)
    in_flight: int = 0

    def release(self, connection: HttpConnection) -> None:
        """A request is over."""
        self.in_flight -= 1
        self.endpoint.give_back(connection)


class TeacherClient:
    """Sends requests on as they came. What is known of a teacher is kept by its address."""

    def __init__(self, concurrency: int = CONCURRENCY) -> None:
        """At most `concurrency` requests are in flight to one teacher."""
        self._concurrency = concurrency
        self._lines: dict[str, Line] = {}

    def close(self) -> None:
        for line in self._lines.values():
            line.endpoint.close()

    def breakers(self) -> dict[str, str]:
        """By the teacher's address: closed, open or half-open."""
        return {address: line.breaker.state.value for address, line in self._lines.items()}

    def in_flight(self) -> dict[str, int]:
        """By the teacher's address: the requests that it has not answered yet."""
        return {address: line.in_flight for address, line in self._lines.items()}

    async def ask(self, teacher: TeacherEntry, headers: Headers, body: bytes) -> TeacherResponse:
        """The teacher's response, its head read and its body not; the caller closes it.

        Raises:
            TeacherError: it cannot be reached (502), or not in time (504), is known not to answer, or its key is
                missing here (503), or has too many requests in flight (429).
        """
        key = _api_key(teacher)
        line = self._line(teacher.base_url)
        request = line.endpoint.request(_headers_on(headers, key), body)
        attempt = self._admit(line)
        deadline = asyncio.get_running_loop().time() + teacher.timeout_seconds
        line.in_flight += 1
        try:
            with told(attempt, teacher):
                connection = await _send_with_retry(line.endpoint, request, deadline)
        except BaseException:
            line.in_flight -= 1
            attempt.dropped()
            raise
        return _no_redirect(TeacherResponse(teacher, connection, attempt, line.release, deadline))

    def _line(self, base_url: str) -> Line:
        line = self._lines.get(base_url)
        if line is None:
            try:
                line = self._lines[base_url] = Line(Endpoint(base_url))
            except AddressInvalid as error:
                raise TeacherError(
                    502, f"The teacher's address is wrong: {error}.", code="teacher_unreachable"
                ) from error
        return line

    def _admit(self, line: Line) -> Attempt:
        if line.in_flight >= self._concurrency:
            message = f"The teacher has {self._concurrency} requests in flight, the most allowed; try again later."
            raise TeacherError(429, message, code="overloaded", retry_after=1)
        attempt = line.breaker.admit()
        if attempt is None:
            raise TeacherError(
                503,
                "The teacher has not answered for some time and is not asked until it does; try again later.",
                code="teacher_unavailable",
                retry_after=max(1, math.ceil(line.breaker.retry_after)),
            )
        return attempt


async def _send_with_retry(endpoint: Endpoint, request: bytes, deadline: float) -> HttpConnection:
    """A connection on which the head of the answer has come.

    A request is sent a second time, over a new connection, where there was no connection or where it broke before
    anything of the answer came. In the latter case the teacher may have begun to work on it and then does so twice.
    That costs its price once more and does no other harm: a completion changes nothing at the teacher, and OpenAI's
    client would ask again itself. After a time-out nothing is sent again: a busy teacher would only be busier.
    """
    try:
        return await _send(endpoint, endpoint.take_idle(), request, deadline)
    except _MayBeSentAgain:
        return await _send(endpoint, None, request, deadline)


class _MayBeSentAgain(ConnectionBroken):
    """Nothing of an answer has come."""


async def _send(
    endpoint: Endpoint, connection: HttpConnection | None, request: bytes, deadline: float
) -> HttpConnection:
    connection = connection or await _connect(endpoint, deadline)
    try:
        connection.send(request)
        await connection.head(deadline)
        return connection
    except BaseException as error:
        connection.close()
        if isinstance(error, ConnectionBroken) and not connection.began:
            raise _MayBeSentAgain(str(error)) from error
        raise


async def _connect(endpoint: Endpoint, deadline: float) -> HttpConnection:
    try:
        return await endpoint.connect(deadline)
    except (OSError, ConnectionBroken) as error:  # a TimeoutError is an OSError
        raise _MayBeSentAgain(str(error)) from error


def _no_redirect(response: TeacherResponse) -> TeacherResponse:
    """To follow one would show the teacher's key to another server; to pass it on, the application's."""
    if response.status not in REDIRECTS:
        return response
    response.close()
    message = f"The teacher redirects (status {response.status}); give its final address to `manage.py set_teacher`."
    raise TeacherError(502, message, code="teacher_redirects")


def _headers_on(headers: Headers, key: str) -> RawHeaders:
    """The application's headers but for those that are about its connection, with the teacher's key."""
    kept = [(name, value) for name, value in headers if name not in NOT_SENT_ON]
    named = {
        word for name, value in headers if name == b"connection" for word in value.lower().replace(b",", b" ").split()
    }
    if named:
        kept = [(name, value) for name, value in kept if name not in named]
    if key:
        kept.append((b"authorization", b"Bearer " + key.encode()))
    kept.append((b"accept-encoding", b"identity"))
    return kept


def _api_key(teacher: TeacherEntry) -> str:
    try:
        return read_key(teacher.api_key_env)
    except SecretError as error:
        raise TeacherError(503, str(error), code="no_teacher_key") from error
