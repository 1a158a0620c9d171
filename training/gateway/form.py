"""The form of a request: its body read within the limit, and what the gateway has to know of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.types import Receive, Scope

from curation.teachers.completion import ParsedQuery, QueryError, parse_query
from curation.teachers.storable import problem_with_text, problem_with_value
from training.gateway.envelope import ApiError

UNREADABLE = object()
"""Stands for a field whose value cannot be represented; it equals nothing that is asked for."""

NOT_ASKED_AGAIN = frozenset(
    ("model", "tools", "stream", "stream_options", "user", "safety_identifier", "metadata", "store")
)
"""What is kept elsewhere, or says nothing about the answer."""

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_messages = msgspec.json.Decoder(list[dict[str, Any]])
_value = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One request body. `fields` holds every top-level field as it came, known or not."""

    body: bytes
    fields: dict[str, msgspec.Raw]
    model: str
    query: ParsedQuery | None
    """What the messages end with, if it is the user's and nothing but text."""
    no_query: str
    """Why there is no query, in a few words; empty if there is one."""

    def value(self, name: str) -> Any:
        """A top-level field; None if it is absent, UNREADABLE if no value can hold it."""
        raw = self.fields.get(name)
        if raw is None:
            return None
        try:
            return _value.decode(raw)
        except (ValueError, RecursionError):
            return UNREADABLE

    @property
    def client_id(self) -> str:
        names = (self.value("safety_identifier"), self.value("user"))
        return next((name[:200] for name in names if isinstance(name, str) and not problem_with_text(name)), "")

    @property
    def streams(self) -> bool:
        return self.value("stream") is True

    @property
    def wants_usage(self) -> bool:
        options = self.value("stream_options")
        return isinstance(options, dict) and options.get("include_usage") is True

    def repeatable(self) -> dict[str, Any] | None:
        """The fields with which the same can be asked again, but for tools and model; None if they cannot be kept."""
        fields = {name: self.value(name) for name in self.fields if name not in NOT_ASKED_AGAIN}
        return None if UNREADABLE in fields.values() or problem_with_value(fields) else fields

    def with_model(self, model: str) -> bytes:
        """The body as it came, but for the model."""
        if model == self.model:
            return self.body
        return _encoder.encode(self.fields | {"model": msgspec.Raw(_encoder.encode(model))})


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """How long a request body may be, and how long it may take to come."""

    bytes: int
    seconds: float


async def read_body(scope: Scope, receive: Receive, limits: BodyLimits) -> bytes:
    """The body, of which never more than the limit is held.

    Raises:
        ApiError: it is longer (413), does not come in time (408), or the client went away.
    """
    declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    if declared.isdigit() and int(declared) > limits.bytes:
        raise _too_large(limits.bytes)
    try:
        async with asyncio.timeout(limits.seconds):
            return await _receive_body(receive, limits.bytes)
    except TimeoutError as error:
        message = f"The request body did not come within {limits.seconds:g} seconds; send it faster."
        raise ApiError(408, message, code="request_timeout") from error


async def _receive_body(receive: Receive, limit: int) -> bytes:
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ApiError(499, "The client went away before its request was complete.", code="client_closed")
        body += message.get("body", b"")
        if len(body) > limit:
            raise _too_large(limit)
        more = message.get("more_body", False)
    return bytes(body)


def _too_large(limit: int) -> ApiError:
    return ApiError(413, f"The request body is larger than {limit:,} bytes; send less.", code="request_too_large")


def parse_chat(body: bytes) -> ChatRequest:
    """Read a body.

    Raises:
        ApiError: it is not a chat completion request; the message says what is wrong.
    """
    fields = _parse_fields(body)
    model, messages = _parse_model(fields), _parse_messages(fields)
    try:
        return ChatRequest(body, fields, model, parse_query(messages), "")
    except QueryError as error:
        return ChatRequest(body, fields, model, None, error.reason)


def _parse_fields(body: bytes) -> dict[str, msgspec.Raw]:
    try:
        if not body.isascii():
            body.decode()
        return _fields.decode(body)
    except UnicodeDecodeError as error:
        raise _bad(f"The request body is not UTF-8 (byte {error.start}).") from error
    except msgspec.ValidationError as error:
        raise _bad("The request body must be a JSON object.") from error
    except msgspec.DecodeError as error:
        raise _bad(_why_not_json(body, error)) from error
    except RecursionError as error:
        raise _bad("The request body is nested too deeply.") from error


def _why_not_json(body: bytes, error: msgspec.DecodeError) -> str:
    """The decoder says of half a surrogate pair, too, that the data was truncated."""
    if b"\\ud" in body.lower():
        return "The request body is not JSON, or an escape in it is half of a surrogate pair."
    return f"The request body is not JSON: {error}."


def _parse_model(fields: dict[str, msgspec.Raw]) -> str:
    try:
        return msgspec.json.decode(fields.get("model", b"null"), type=str)
    except msgspec.MsgspecError as error:
        raise _bad("`model` must be given, as a string.", param="model") from error


def _parse_messages(fields: dict[str, msgspec.Raw]) -> list[dict[str, Any]]:
    try:
        messages = _messages.decode(fields.get("messages", b"null"))
    except RecursionError as error:
        raise _bad("`messages` is nested too deeply.", param="messages") from error
    except msgspec.MsgspecError as error:
        raise _bad(f"`messages` must be a list of messages: {error}.", param="messages") from error
    if not messages:
        raise _bad("`messages` must have at least one message.", param="messages")
    return messages


def _bad(message: str, *, param: str | None = None) -> ApiError:
    return ApiError(400, message, code="invalid_request", param=param)
