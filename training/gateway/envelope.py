"""Answers in the shapes that an OpenAI client expects, errors above all, sent over ASGI."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from starlette.types import Send

Headers = Sequence[tuple[bytes, bytes]]

_encoder = msgspec.json.Encoder()


class ApiError(Exception):
    """The request ends here, with this status and one sentence in OpenAI's error envelope."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str,
        kind: str = "invalid_request_error",
        param: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        """`retry_after` in seconds: OpenAI's clients wait that long before they ask again."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers: Headers = [] if retry_after is None else [(b"retry-after", b"%d" % retry_after)]
        self._error = {"message": message, "type": kind, "param": param, "code": code}

    @property
    def body(self) -> bytes:
        return _encoder.encode({"error": self._error})


class TeacherError(ApiError):
    """The teacher cannot answer, or there is none."""

    def __init__(self, status: int, message: str, *, code: str, retry_after: int | None = None) -> None:
        super().__init__(status, message, code=code, kind="server_error", retry_after=retry_after)


async def send_error(send: Send, error: ApiError, headers: Headers = ()) -> None:
    await send_body(send, error.status, [*error.headers, *headers], error.body)


async def send_body(
    send: Send, status: int, headers: Headers, body: bytes, content_type: bytes = b"application/json"
) -> None:
    """A whole response, in two messages."""
    head = [
        (b"content-type", content_type),
        (b"content-length", str(len(body)).encode()),
        *headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})
