"""Good log lines to start from, and reading a single one."""

import json
from typing import Any

from curation.logs.reader import LogReader
from curation.logs.records import LineError, LogRecord

TOOLS: list[dict[str, Any]] = [
    {
        "type": "function",
        "function": {
            "name": "play",
            "parameters": {"type": "object", "properties": {"song": {"type": "string"}}, "required": ["song"]},
        },
    }
]


def pair(**changes: Any) -> dict[str, Any]:
    call = {"name": "play", "arguments": {"song": "yellow"}}
    return {"id": "a-1", "query": "play yellow", "call": call} | changes


def openai_line(**changes: Any) -> dict[str, Any]:
    function = {"name": "play", "arguments": '{"song": "yellow"}'}
    message = {"role": "assistant", "content": None, "tool_calls": [{"type": "function", "function": function}]}
    return {
        "timestamp": "2026-03-01T12:00:00Z",
        "request": {
            "model": "large",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "play yellow"}],
            "tools": TOOLS,
        },
        "response": {
            "id": "chatcmpl-1",
            "choices": [{"message": message}],
            "usage": {"prompt_tokens": 90, "completion_tokens": 12},
        },
        "latency_ms": 1400.5,
        "client_id": "phone",
    } | changes


def request_with(messages: Any, **changes: Any) -> dict[str, Any]:
    return openai_line(request={"model": "large", "messages": messages, "tools": TOOLS} | changes)


def response_with(message: Any) -> dict[str, Any]:
    return openai_line(response={"id": "chatcmpl-1", "choices": [{"message": message}]})


def read_one(line: dict[str, Any] | bytes, **options: Any) -> LogRecord | LineError:
    return LogReader(**options).read(1, line if isinstance(line, bytes) else json.dumps(line).encode())


def record_of(line: dict[str, Any]) -> LogRecord:
    found = read_one(line)
    assert isinstance(found, LogRecord), found
    return found
