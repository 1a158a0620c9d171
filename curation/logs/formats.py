"""The two formats of a log line."""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import msgspec

from curation.logs.fields import read_count, read_latency, read_name, read_timestamp, refuse_problem, schema_problem
from curation.logs.records import LineProblem, LogRecord, OfferedTools
from curation.ml.calls import Call
from curation.ml.tools import ToolSetError, canonical_json, parse_tools
from curation.teachers.completion import (
    CompletionError,
    ParsedAnswer,
    ParsedQuery,
    QueryError,
    parse_call,
    parse_completion,
    parse_query,
)
from curation.teachers.storable import problem_with_text, problem_with_value

Number = int | float
NOTHING = msgspec.Raw()


class OpenAIRequest(msgspec.Struct):
    messages: list[dict[str, Any]]
    tools: msgspec.Raw = NOTHING
    model: str | None = None
    user: str | None = None


class OpenAILine(msgspec.Struct):
    """{"timestamp", "request", "response", "latency_ms"?, "client_id"?} with both bodies as OpenAI sends them."""

    timestamp: str | Number
    request: OpenAIRequest
    response: dict[str, Any]
    latency_ms: Number | None = None
    client_id: str | int | None = None


class PairCall(msgspec.Struct):
    name: str
    arguments: dict[str, Any]


class PairLine(msgspec.Struct):
    """{"id", "query", "call": {"name", "arguments"} | null, "timestamp"?, "latency_ms"?}"""

    id: str | int
    query: str
    call: PairCall | None
    timestamp: str | Number | None = None
    latency_ms: Number | None = None


class Shape(msgspec.Struct):
    """Which format a line is in, by what it holds."""

    request: msgspec.Raw = NOTHING
    query: msgspec.Raw = NOTHING


_openai_decoder = msgspec.json.Decoder(OpenAILine)
_pair_decoder = msgspec.json.Decoder(PairLine)
_any_decoder = msgspec.json.Decoder(Any)
_shape_decoder = msgspec.json.Decoder(Shape)


class ToolsCache:
    """The tools of a log's requests, each distinct list read and checked once.

    A log with a new list on every line does not fill the memory: after `CAPACITY` of them it begins anew.
    """

    CAPACITY = 128

    def __init__(self) -> None:
        self._known: dict[bytes, OfferedTools] = {}

    def read(self, raw: bytes) -> OfferedTools | None:
        """The tools in a piece of JSON; None where there are none.

        Raises:
            LineProblem: it is not a list of functions with valid schemas.
        """
        if raw in (b"", b"null", b"[]"):
            return None
        digest = hashlib.sha256(raw).digest()
        if digest not in self._known:
            if len(self._known) >= self.CAPACITY:
                self._known.clear()
            self._known[digest] = offer_tools(decode(raw, _any_decoder))
        return self._known[digest]


def offer_tools(tools: Any) -> OfferedTools:
    """Read a `tools` list.

    Raises:
        LineProblem: it is not a list of functions with valid schemas, or cannot be stored.
    """
    refuse_problem(problem_with_value(tools))
    try:
        return OfferedTools(tools, parse_tools(tools))
    except ToolSetError as error:
        raise LineProblem("invalid tools", str(error)) from error


def decode(line: bytes, decoder: msgspec.json.Decoder[Any]) -> Any:
    """Decode a line of UTF-8 JSON.

    Raises:
        LineProblem: it is not that, or not of the decoder's type.
    """
    try:
        line.decode()
        return decoder.decode(line)
    except UnicodeDecodeError as error:
        raise LineProblem("not UTF-8", "The line is not UTF-8 text.") from error
    except msgspec.ValidationError as error:
        raise schema_problem(error) from error
    except msgspec.DecodeError as error:
        raise LineProblem("not JSON", f"The line is not JSON: {error}.") from error
    except RecursionError as error:
        raise LineProblem("nested too deeply", "The JSON of the line is nested too deeply.") from error


def detect_format(line: bytes) -> Literal["openai", "pairs"] | None:
    """`openai` or `pairs`, by the fields of a line; None where it has those of neither.

    Raises:
        LineProblem: it is not a JSON object.
    """
    shape = decode(line, _shape_decoder)
    if bytes(shape.request):
        return "openai"
    return "pairs" if bytes(shape.query) else None


def read_openai(number: int, line: bytes, known_tools: ToolsCache) -> LogRecord:
    """Read a line of the `openai` format. Raises `LineProblem`."""
    found: OpenAILine = decode(line, _openai_decoder)
    query, answer = _query(found.request.messages), _answer(found.response)
    offered = known_tools.read(bytes(found.request.tools))
    usage = found.response.get("usage")
    return LogRecord(
        line=number,
        key=_openai_key(found, offered),
        text=query.text,
        context=query.context,
        offered=offered,
        call=answer.call,
        several_calls=answer.several_calls,
        answer_text=answer.text,
        arrived_at=read_timestamp(found.timestamp),
        latency_ms=read_latency(found.latency_ms),
        prompt_tokens=read_count(usage, "prompt_tokens"),
        completion_tokens=read_count(usage, "completion_tokens"),
        client_id=read_name("client_id", found.client_id or found.request.user),
        model=read_name("model", found.request.model),
    )


def _query(messages: list[dict[str, Any]]) -> ParsedQuery:
    try:
        return parse_query(messages)
    except QueryError as error:
        raise LineProblem(error.reason, str(error)) from error


def _answer(response: dict[str, Any]) -> ParsedAnswer:
    try:
        return parse_completion(response)
    except CompletionError as error:
        raise LineProblem("unreadable answer", str(error)) from error


def _openai_key(found: OpenAILine, offered: OfferedTools | None) -> str:
    """The same for the same request and answer, however their JSON is laid out."""
    request = found.request
    identity = [
        found.timestamp,
        request.model,
        request.user,
        request.messages,
        offered.tool_set.sha256 if offered else None,
        found.response.get("id"),
    ]
    refuse_problem(problem_with_value(identity))
    return hashlib.sha256(canonical_json(identity).encode()).hexdigest()


def read_pair(number: int, line: bytes, offered: OfferedTools | None) -> LogRecord:
    """Read a line of the `pairs` format; where tools are offered, the call must be of one of them.

    Raises `LineProblem`.
    """
    found: PairLine = decode(line, _pair_decoder)
    if not found.query.strip():
        raise LineProblem("empty query", "The query is empty.")
    refuse_problem(problem_with_text(found.query))
    key = read_name("id", found.id)
    if not key:
        raise LineProblem("empty id", "The id is empty.")
    return LogRecord(
        line=number,
        key=key,
        text=found.query,
        context=[],
        offered=offered,
        call=_pair_call(found.call, offered),
        several_calls=False,
        answer_text="",
        arrived_at=read_timestamp(found.timestamp),
        latency_ms=read_latency(found.latency_ms),
        prompt_tokens=None,
        completion_tokens=None,
        client_id="",
        model="",
    )


def _pair_call(call: PairCall | None, offered: OfferedTools | None) -> Call | None:
    if call is None:
        return None
    if offered and call.name not in offered.tool_set.functions:
        raise LineProblem("unknown function", f"The tools have no function {call.name[:80]!r}.")
    try:
        return parse_call(call.name, call.arguments)
    except CompletionError as error:
        raise LineProblem("unreadable call", str(error)) from error
