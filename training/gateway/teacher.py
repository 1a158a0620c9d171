"""The way to the teacher: one pool of connections, the teacher's key, one retry on a connection failure."""

from __future__ import annotations

from functools import lru_cache

import httpx

from curation.teachers.secrets import SecretError, read_key
from training.gateway.envelope import Headers, TeacherError
from training.selectors.snapshot import TeacherEntry

CONNECT_SECONDS = 5.0
LIMITS = httpx.Limits(max_connections=1000, max_keepalive_connections=200, keepalive_expiry=30.0)

HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade".split()
)
NOT_SENT_ON = HOP_BY_HOP | {b"host", b"content-length", b"authorization", b"accept-encoding", b"expect"}
NOT_SENT_BACK = HOP_BY_HOP | {b"content-length", b"content-encoding", b"date", b"server", b"set-cookie"}
"""The body is sent back decoded; a cookie would belong to whoever asked first on the shared connection."""

CONNECTION_FAILURES = (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ConnectTimeout)


class TeacherClient:
    """Sends requests on as they came. One transport for all teachers: it pools by address."""

    def __init__(self) -> None:
        self._transport = httpx.AsyncHTTPTransport(limits=LIMITS)

    async def close(self) -> None:
        await self._transport.aclose()

    async def ask(self, teacher: TeacherEntry, headers: Headers, body: bytes) -> httpx.Response:
        """The teacher's response, its head read and its body not; the caller closes it.

        Raises:
            TeacherError: it cannot be reached (502), or not in time (504), or its key is missing here (503).
        """
        try:
            return await self._send_with_retry(_request(teacher, headers, body))
        except httpx.TimeoutException as error:
            raise timed_out(teacher) from error
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise broke_off() from error

    async def _send_with_retry(self, request: httpx.Request) -> httpx.Response:
        try:
            return await self._transport.handle_async_request(request)
        except CONNECTION_FAILURES:
            return await self._transport.handle_async_request(request)


def timed_out(teacher: TeacherEntry) -> TeacherError:
    seconds = f"{teacher.timeout_seconds:g}"
    return TeacherError(504, f"The teacher did not answer within {seconds} seconds.", code="teacher_timeout")


def broke_off() -> TeacherError:
    return TeacherError(502, "The teacher cannot be reached or broke off; try again later.", code="teacher_unreachable")


def headers_back(response: httpx.Response) -> Headers:
    """The teacher's headers that are the application's to see."""
    return [(name.lower(), value) for name, value in response.headers.raw if name.lower() not in NOT_SENT_BACK]


def _request(teacher: TeacherEntry, headers: Headers, body: bytes) -> httpx.Request:
    kept = [(name, value) for name, value in headers if name not in NOT_SENT_ON]
    key = _api_key(teacher)
    if key:
        kept.append((b"authorization", b"Bearer " + key.encode()))
    kept.append((b"accept-encoding", b"identity"))
    seconds = teacher.timeout_seconds
    timeout = {"connect": min(CONNECT_SECONDS, seconds), "read": seconds, "write": seconds, "pool": seconds}
    return httpx.Request(
        "POST",
        _url(teacher.base_url),
        headers=kept,
        content=body,
        extensions={"timeout": timeout},
    )


@lru_cache(maxsize=256)
def _url(base_url: str) -> httpx.URL:
    return httpx.URL(f"{base_url.rstrip('/')}/chat/completions")


def _api_key(teacher: TeacherEntry) -> str:
    try:
        return read_key(teacher.api_key_env)
    except SecretError as error:
        raise TeacherError(503, str(error), code="no_teacher_key") from error
