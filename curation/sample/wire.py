"""The simulated teacher's answers in the form of OpenAI's chat completions API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from curation.ml.calls import Call

MODEL = "simulated-music-teacher"
REPLY = "I am a simulated music assistant. Tell me what to play, or ask about a song, an artist or a concert."
LETTERS_PER_TOKEN = 4

Json = dict[str, Any]


def completion(answer_id: str, created: int, call: Call | None, prompt_tokens: int) -> Json:
    """A chat completion with one tool call, or with text where there is no call. `created` is in epoch seconds."""
    message = _message(answer_id, call)
    used = {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": count_tokens(message),
    }
    return {
        "id": f"chatcmpl-{answer_id}",
        "object": "chat.completion",
        "created": created,
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls" if call else "stop"}],
        "usage": {**used, "total_tokens": sum(used.values())},
    }


def _message(answer_id: str, call: Call | None) -> Json:
    if call is None:
        return {"role": "assistant", "content": REPLY}
    function = {"name": call.name, "arguments": json.dumps(call.arguments, ensure_ascii=False)}
    tool_call = {"id": f"call_{answer_id}", "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [tool_call]}


def chunks(body: Json) -> Iterator[str]:
    """The same completion as the server-sent events of a stream."""
    choice = body["choices"][0]
    delta = dict(choice["message"])
    if "tool_calls" in delta:
        delta["tool_calls"] = [{"index": index, **call} for index, call in enumerate(delta["tool_calls"])]
    for part, reason in ((delta, None), ({}, choice["finish_reason"])):
        yield _event(body, [{"index": 0, "delta": part, "finish_reason": reason}])
    yield "data: [DONE]\n\n"


def _event(body: Json, choices: list[Json]) -> str:
    chunk = {**body, "object": "chat.completion.chunk", "choices": choices}
    del chunk["usage"]
    return f"data: {json.dumps(chunk)}\n\n"


def error(message: str, kind: str = "invalid_request_error", code: str | None = None) -> Json:
    """OpenAI's error envelope."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def count_tokens(value: Any) -> int:
    """A rough count: English text has about four letters to a token."""
    return len(json.dumps(value)) // LETTERS_PER_TOKEN + 1
