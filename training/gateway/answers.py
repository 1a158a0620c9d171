"""A student's call in the shape of OpenAI's chat completions: whole, or as a stream of server-sent events."""

from __future__ import annotations

from typing import Any

import msgspec

from curation.ml.calls import Call
from training.gateway.eligibility import forces_one_function
from training.gateway.exchange import Exchange

NO_TOKENS = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
"""The student's own tokens are nobody's bill."""

_encoder = msgspec.json.Encoder()


def completion(exchange: Exchange, call: Call) -> bytes:
    """A `chat.completion` whose one choice is this call."""
    message = {"role": "assistant", "content": None, "refusal": None, "tool_calls": [_tool_call(exchange, call)]}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish_reason(exchange)}
    return _encoder.encode(_head(exchange, "chat.completion") | {"choices": [choice], "usage": NO_TOKENS})


def completion_stream(exchange: Exchange, call: Call) -> bytes:
    """The same as `chat.completion.chunk` events: the name, the arguments, the end, the usage if it is asked for."""
    head = _head(exchange, "chat.completion.chunk")
    if exchange.chat.wants_usage:
        head["usage"] = None
    tool_call = {"index": 0} | _tool_call(exchange, call)
    arguments = {"index": 0, "function": {"arguments": tool_call["function"]["arguments"]}}
    tool_call["function"] = {"name": call.name, "arguments": ""}
    first = {"role": "assistant", "content": None, "refusal": None, "tool_calls": [tool_call]}
    chunks = [
        head | {"choices": [_delta(first)]},
        head | {"choices": [_delta({"tool_calls": [arguments]})]},
        head | {"choices": [_delta({}, _finish_reason(exchange))]},
    ]
    if exchange.chat.wants_usage:
        chunks.append(head | {"choices": [], "usage": NO_TOKENS})
    events = b"".join(b"data: " + _encoder.encode(chunk) + b"\n\n" for chunk in chunks)
    return events + b"data: [DONE]\n\n"


def _head(exchange: Exchange, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{exchange.id.hex}",
        "object": kind,
        "created": int(exchange.watch.arrived_at.timestamp()),
        "model": exchange.chat.model,
    }


def _tool_call(exchange: Exchange, call: Call) -> dict[str, Any]:
    arguments = _encoder.encode(call.arguments).decode()
    return {
        "id": f"call_{exchange.id.hex[-24:]}",
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    }


def _delta(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def _finish_reason(exchange: Exchange) -> str:
    """OpenAI says `stop` where the request itself named the function."""
    return "stop" if forces_one_function(exchange.chat.value("tool_choice")) else "tool_calls"
