"""The answer in a stream is the same however its bytes are cut."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.gateway.servers import completion, events
from training.gateway.teacher_answers import StreamAssembly, read_answer

CALL = {"name": "play_music", "arguments": {"artist": "Björk 🎵"}}
WHOLE = completion("Hello.", CALL)


def assembled(*chunks: bytes) -> StreamAssembly:
    assembly = StreamAssembly()
    for chunk in chunks:
        assembly.feed(chunk)
    return assembly


@given(cuts=st.lists(st.integers(0, 2000)))
def test_a_stream_reads_like_the_whole_completion(cuts: list[int]) -> None:
    stream = b"".join(events(WHOLE))
    edges = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    pieces = [stream[start:end] for start, end in pairwise(edges)]
    assert assembled(*pieces).answer(latency_ms=5.0) == read_answer(WHOLE, latency_ms=5.0)


def test_two_calls_in_a_stream_are_several() -> None:
    parts = [
        {"index": index, "id": f"call_{index}", "function": {"name": name, "arguments": "{}"}}
        for index, name in enumerate(("play_music", "set_alarm"))
    ]
    chunk = {"model": "m", "choices": [{"index": 0, "delta": {"tool_calls": parts}}]}
    answer = assembled(b"data: " + json.dumps(chunk).encode() + b"\n\ndata: [DONE]\n\n").answer(latency_ms=1.0)
    assert answer and answer.several_calls and answer.call is None


def test_only_the_first_choice_counts() -> None:
    choices = [{"index": index, "delta": {"content": f"text {index}"}} for index in (1, 0)]
    assembly = assembled(b"data:" + json.dumps({"choices": choices}).encode() + b"\r\n\r\ndata: [DONE]\r\n")
    assert assembly.complete and assembly.answer(latency_ms=1.0) is not None


@pytest.mark.parametrize(
    "event", [7, None, [], {"choices": 7}, {"choices": [7, {"index": 0, "delta": 7}]}, {"usage": 7}]
)
def test_strange_events_are_passed_over(event: Any) -> None:
    stream = b": comment\n\ndata: not json\n\ndata: " + json.dumps(event).encode() + b"\n\n" + b"".join(events(WHOLE))
    answer = assembled(stream).answer(latency_ms=1.0)
    assert answer and answer.call and answer.call.as_json() == CALL


def test_a_stream_without_its_end_is_no_answer() -> None:
    assert assembled(*events(WHOLE)[:-1]).answer(latency_ms=1.0) is None
