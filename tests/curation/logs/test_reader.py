"""What a log file becomes: records, and errors that say what is wrong with which line."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from curation.logs.reader import LogReader, read_log
from curation.logs.records import LineError, LineProblem, LogRecord
from curation.ml.calls import Call
from tests.curation.logs.builders import TOOLS, openai_line, pair, read_one, record_of, request_with, response_with


def reason_of(line: dict[str, Any] | bytes, **options: Any) -> str:
    found = read_one(line, **options)
    assert isinstance(found, LineError), found
    assert found.sentence.endswith(".") and len(found.sentence) < 300
    return found.reason


def write_lines(folder: Path, *lines: dict[str, Any] | bytes) -> Path:
    path = folder / "log.jsonl"
    path.write_bytes(b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines))
    return path


def test_an_openai_line_gives_query_call_and_circumstances() -> None:
    found = record_of(openai_line())
    assert (found.text, found.context, found.call) == ("play yellow", [], Call("play", {"song": "yellow"}))
    assert found.arrived_at == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert (found.latency_ms, found.prompt_tokens, found.completion_tokens) == (1400.5, 90, 12)
    assert (found.client_id, found.model, found.several_calls) == ("phone", "large", False)
    assert found.offered is not None and list(found.offered.tool_set.functions) == ["play"]


def test_a_pairs_line_gives_query_and_call() -> None:
    found = record_of(pair(timestamp=1_772_366_400, latency_ms=12))
    assert (found.key, found.text, found.call) == ("a-1", "play yellow", Call("play", {"song": "yellow"}))
    assert found.arrived_at == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert record_of(pair(call=None)).call is None


def test_earlier_turns_are_the_context_and_the_instructions_are_not() -> None:
    turns = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "Hello."}]
    messages = [{"role": "developer", "content": "Be brief."}, *turns, {"role": "user", "content": "again"}]
    assert record_of(request_with(messages)).context == turns


def test_parts_of_text_are_joined() -> None:
    parts = [{"type": "text", "text": "play "}, {"type": "text", "text": "yellow"}]
    assert record_of(request_with([{"role": "user", "content": parts}])).text == "play yellow"


def test_an_answer_in_text_is_no_call() -> None:
    found = record_of(response_with({"role": "assistant", "content": "Which song?"}))
    assert (found.call, found.several_calls, found.answer_text) == (None, False, "Which song?")


def test_several_calls_are_told_apart_from_no_call() -> None:
    tool_call = {"type": "function", "function": {"name": "play", "arguments": "{}"}}
    found = record_of(response_with({"role": "assistant", "content": None, "tool_calls": [tool_call] * 2}))
    assert (found.call, found.several_calls) == (None, True)


def test_a_request_without_tools_is_read() -> None:
    assert record_of(request_with([{"role": "user", "content": "hi"}], tools=None)).offered is None
    assert record_of(request_with([{"role": "user", "content": "hi"}], tools=[])).offered is None


def test_lines_with_equal_tools_share_them() -> None:
    reader = LogReader()
    line = json.dumps(openai_line()).encode()
    first, second = reader.read(1, line), reader.read(2, line)
    assert isinstance(first, LogRecord) and isinstance(second, LogRecord)
    assert first.offered is second.offered


def test_the_key_is_the_same_however_the_line_is_laid_out() -> None:
    laid_out = json.dumps(dict(reversed(openai_line().items())), indent=1).replace("\n", " ")
    found = read_one(laid_out.encode())
    assert isinstance(found, LogRecord)
    assert found.key == record_of(openai_line()).key


@pytest.mark.parametrize(
    "changes",
    [
        {"timestamp": "2026-03-01T12:00:01Z"},
        {"request": {"model": "other", "messages": [{"role": "user", "content": "play yellow"}]}},
        {"response": {"id": "chatcmpl-2", "choices": [{"message": {"content": "No."}}]}},
    ],
)
def test_another_request_has_another_key(changes: dict[str, Any]) -> None:
    assert record_of(openai_line(**changes)).key != record_of(openai_line()).key


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"query": ', "not JSON"),
        (b"hello", "not JSON"),
        (b"\x89PNG\x0d\x1a\x00\xff", "not UTF-8"),
        (b'{"id": "1", "query": "caf\xe9", "call": null}', "not UTF-8"),
        (b'{"id": "1", "query": "\\ud800", "call": null}', "not JSON"),
        (b'{"id": "1", "query": "x", "call": {"name": "play", "arguments": {"n": NaN}}}', "not JSON"),
        (b'{"id": "1", "query": "x", "call": {"name": "play", "arguments": {"n": 1e999}}}', "number too large"),
        (b'{"id": "1", "query": "x", "call": {"name": "play", "arguments": {"n": ' + b"9" * 400 + b"}}}", None),
        (b'{"id": "1", "query": "x", "call": {"name": "play", "arguments": {"n": ' + b"9" * 5000 + b"}}}", None),
        (b'{"query": "x", "deep": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        (b"[" * 100_000, None),
        (b"[1, 2]", "wrong type: the line"),
        (b"null", "wrong type: the line"),
        (b'{"text": "x"}', "unknown format"),
    ],
)
def test_lines_that_are_no_log_lines(line: bytes, reason: str | None) -> None:
    found = reason_of(line)
    assert reason is None or found == reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"query": 7}, "wrong type: query"),
        ({"query": "  "}, "empty query"),
        ({"query": "a\x00b"}, "NUL character"),
        ({"id": "\x00"}, "NUL character"),
        ({"id": None}, "wrong type: id"),
        ({"id": ""}, "empty id"),
        ({"id": "x" * 201}, "id too long"),
        ({"call": "play"}, "wrong type: call"),
        ({"call": {"name": "play"}}, "missing field: call.arguments"),
        ({"call": {"name": "play", "arguments": []}}, "wrong type: call.arguments"),
        ({"call": {"name": "", "arguments": {}}}, "unreadable call"),
        ({"call": {"name": "play", "arguments": {"song": "\x00"}}}, "unreadable call"),
        ({"call": {"name": "play", "arguments": {"song": 2**70}}}, "unreadable call"),
        ({"timestamp": "yesterday"}, "bad timestamp"),
        ({"timestamp": "0001-01-01T00:00:00+14:00"}, "bad timestamp"),
        ({"timestamp": 1e300}, "bad timestamp"),
        ({"timestamp": 1_772_366_400_000}, "bad timestamp"),
        ({"timestamp": -1}, "bad timestamp"),
        ({"timestamp": True}, "wrong type: timestamp"),
        ({"latency_ms": -5}, "bad latency"),
        ({"latency_ms": "fast"}, "wrong type: latency_ms"),
    ],
)
def test_bad_fields_of_a_pairs_line(changes: dict[str, Any], reason: str) -> None:
    assert reason_of(pair(**changes)) == reason


@pytest.mark.parametrize("field", ["id", "call"])
def test_a_pairs_line_needs_its_fields(field: str) -> None:
    line = pair()
    del line[field]
    assert reason_of(line) == f"missing field: {field}"


def test_a_pairs_line_without_query_is_missing_it() -> None:
    assert reason_of(b'{"id": "1", "call": null}', log_format="pairs") == "missing field: query"


def test_a_call_of_a_function_that_is_not_offered_is_an_error(tmp_path: Path) -> None:
    path = write_lines(tmp_path, pair(call={"name": "sing", "arguments": {}}))
    [found] = read_log(path, tools=TOOLS)
    assert isinstance(found, LineError) and found.reason == "unknown function"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (request_with([]), "no user message"),
        (request_with([{"role": "assistant", "content": "hi"}]), "no user message"),
        (request_with([{"role": "tool", "content": "done"}]), "no user message"),
        (request_with("hi"), "wrong type: request.messages"),
        (request_with(["hi"]), "wrong type: request.messages[...]"),
        (request_with([{"role": "user", "content": [{"type": "image_url"}]}]), "not text only"),
        (request_with([{"role": "user", "content": 5}]), "not text only"),
        (request_with([{"role": "user", "content": ""}]), "empty query"),
        (request_with([{"role": "user", "content": "a\x00"}]), "NUL character"),
        (
            request_with([{"role": "user", "content": "a\x00"}, {"role": "user", "content": "b"}]),
            "NUL character",
        ),
        (request_with([{"role": "user", "content": "x"}], tools={}), "invalid tools"),
        (request_with([{"role": "user", "content": "x"}], tools=[{"type": "function"}]), "invalid tools"),
        (request_with([{"role": "user", "content": "x"}], model="m" * 201), "model too long"),
        (response_with(None), "unreadable answer"),
        (response_with({"content": 5}), "unreadable answer"),
        (response_with({"tool_calls": "play"}), "unreadable answer"),
        (response_with({"tool_calls": [{"function": {"name": "play", "arguments": "{"}}]}), "unreadable answer"),
        (response_with({"tool_calls": [{"function": {"name": "play", "arguments": "[]"}}]}), "unreadable answer"),
        (response_with({"tool_calls": [{"function": {"arguments": "{}"}}]}), "unreadable answer"),
        (openai_line(response={"error": {"message": "overloaded"}}), "unreadable answer"),
        (openai_line(response={"choices": []}), "unreadable answer"),
        (openai_line(response=[]), "wrong type: response"),
        (openai_line(request="play"), "wrong type: request"),
        (openai_line(timestamp=None), "wrong type: timestamp"),
        (openai_line(client_id=[]), "wrong type: client_id"),
    ],
)
def test_bad_openai_lines(line: dict[str, Any], reason: str) -> None:
    assert reason_of(line) == reason


@pytest.mark.parametrize("field", ["timestamp", "response"])
def test_an_openai_line_needs_its_fields(field: str) -> None:
    line = openai_line()
    del line[field]
    assert reason_of(line) == f"missing field: {field}"


def test_bad_lines_are_reported_by_number_and_do_not_disturb_the_rest(tmp_path: Path) -> None:
    too_long = b'{"query": "' + b"x" * (1 << 20) + b'"}'
    path = write_lines(tmp_path, b"{", pair(), b"", too_long, b"\xff", pair(id="a-2"))
    found = list(read_log(path))
    assert [(item.line, getattr(item, "reason", "read")) for item in found] == [
        (1, "not JSON"),
        (2, "read"),
        (4, "line too long"),
        (5, "not UTF-8"),
        (6, "read"),
    ]


def test_the_first_good_line_decides_the_format(tmp_path: Path) -> None:
    found = list(read_log(write_lines(tmp_path, b"{}", openai_line(), pair())))
    assert [getattr(item, "reason", "read") for item in found] == [
        "unknown format",
        "read",
        "missing field: timestamp",
    ]


def test_an_empty_file_gives_nothing(tmp_path: Path) -> None:
    assert list(read_log(write_lines(tmp_path))) == []


def test_a_missing_file_is_the_callers_to_report(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(read_log(tmp_path / "absent.jsonl"))


def test_bad_tools_for_pairs_are_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(LineProblem, match="not a function"):
        list(read_log(write_lines(tmp_path, pair()), tools=[{}]))
