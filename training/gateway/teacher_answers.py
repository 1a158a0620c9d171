"""What the teacher answered, read from a whole completion or put together from the events of a stream."""

from __future__ import annotations

from typing import Any

import msgspec

from curation.teachers.completion import CompletionError, parse_completion
from curation.teachers.storable import problem_with_text
from training.gateway.envelope import ApiError
from training.services.records import AnswerRecord

DONE = b"[DONE]"
LONGEST_EVENT_BYTES = 4 * 1024 * 1024

_decoder = msgspec.json.Decoder()


def read_answer(body: Any, *, latency_ms: float) -> AnswerRecord | None:
    """The answer in a `chat.completion`, None if it cannot be read (then the query stays without a reference call)."""
    try:
        parsed = parse_completion(body)
    except CompletionError:
        return None
    usage = body.get("usage")
    model = body.get("model")
    return AnswerRecord(
        call=parsed.call,
        several_calls=parsed.several_calls,
        latency_ms=latency_ms,
        prompt_tokens=_count(usage, "prompt_tokens"),
        completion_tokens=_count(usage, "completion_tokens"),
        model=model[:200] if isinstance(model, str) and not problem_with_text(model) else "",
    )


def decode(content: bytes) -> Any:
    """The JSON value, None if it is none."""
    try:
        return _decoder.decode(content)
    except (ValueError, RecursionError):
        return None


def _count(usage: Any, name: str) -> int:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else 0


class StreamAssembly:
    """Puts the first choice of a stream together while it passes through. It never changes what passes."""

    def __init__(self) -> None:
        self.complete = False
        """Whether the stream has said that it is at its end."""
        self._rest = b""
        self._body: dict[str, Any] = {}
        self._text: list[str] = []
        self._calls: dict[Any, dict[str, Any]] = {}

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes, cut anywhere."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > LONGEST_EVENT_BYTES:
            self._rest = b""
        for line in lines:
            if line.startswith(b"data:"):
                self._take(line[5:].strip())

    def answer(self, *, latency_ms: float) -> AnswerRecord | None:
        """The answer, None if the stream ended before its end or cannot be read."""
        if not self.complete:
            return None
        tool_calls = [{"type": "function", "function": call} for call in self._calls.values()]
        message = {"role": "assistant", "content": "".join(self._text), "tool_calls": tool_calls}
        return read_answer(self._body | {"choices": [{"message": message}]}, latency_ms=latency_ms)

    def _take(self, data: bytes) -> None:
        if data == DONE:
            self.complete = True
            return
        event = decode(data)
        if not isinstance(event, dict):
            return
        self._body |= {name: event[name] for name in ("model", "usage") if event.get(name)}
        match event:
            case {"choices": [*choices]}:
                for choice in choices:
                    self._take_choice(choice)

    def _take_choice(self, choice: Any) -> None:
        match choice:
            case {"index": 0, "delta": {**delta}}:
                self._take_delta(delta)

    def _take_delta(self, delta: dict[Any, Any]) -> None:
        match delta:
            case {"content": str(text)} | {"refusal": str(text)}:
                self._text.append(text)
        match delta:
            case {"tool_calls": [*parts]}:
                for part in parts:
                    self._take_call(part)

    def _take_call(self, part: Any) -> None:
        match part:
            case {"index": int(index), "function": {**function}}:
                call = self._calls.setdefault(index, {"name": "", "arguments": ""})
                for name in call:
                    value = function.get(name)
                    call[name] += value if isinstance(value, str) else ""


def error_event(error: ApiError) -> bytes:
    """What a stream that has begun ends with where the teacher breaks off."""
    return b"data: " + error.body + b"\n\n"
