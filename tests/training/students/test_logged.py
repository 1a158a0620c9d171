"""What must hold of a log that is read into memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from curation.ml.calls import Call
from curation.ml.tools import parse_tools
from tests.training.students.conftest import TOOLS
from training.students.logged import LogError, LoggedTraffic, infer_tools, read_traffic


def read(tmp_path: Path, *lines: dict[str, Any], tools: list[dict[str, Any]] | None = None) -> LoggedTraffic:
    log = tmp_path / "log.jsonl"
    log.write_text("\n".join(map(json.dumps, lines)))
    return read_traffic(log, tools=tools, on_error=lambda error: None, on_line=lambda number: None)


def pair(name: str, query: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "query": query, "call": None, **more}


def exchange(second: int, tools: list[dict[str, Any]], earlier: int = 0) -> dict[str, Any]:
    messages = [{"role": "user", "content": f"hello {second}"}] * (earlier + 1)
    response = {"choices": [{"message": {"role": "assistant", "content": "Hello."}}]}
    return {"timestamp": 1.7e9 + second, "request": {"messages": messages, "tools": tools}, "response": response}


def test_queries_come_in_the_order_of_time(tmp_path: Path) -> None:
    late, early = pair("1", "late", timestamp=1.8e9), pair("2", "early", timestamp=1.7e9)
    assert [one.text for one in read(tmp_path, late, early).observations] == ["early", "late"]
    assert [one.text for one in read(tmp_path, late, pair("3", "whenever"), early).observations] == [
        "late",
        "whenever",
        "early",
    ]


def test_only_queries_that_stand_alone_and_came_with_the_tools_of_now_can_be_asked(tmp_path: Path) -> None:
    lines = [exchange(1, TOOLS[:1]), *(exchange(second, TOOLS) for second in (2, 3)), exchange(4, TOOLS, earlier=2)]
    traffic = read(tmp_path, *lines)
    assert len(traffic.observations) == 4
    assert [one.text for one in traffic.alone] == ["hello 2", "hello 3"]
    assert traffic.tools == TOOLS


def test_a_line_that_comes_again_counts_once(tmp_path: Path) -> None:
    traffic = read(tmp_path, pair("1", "hello"), pair("1", "hello"), pair("2", "hello"))
    assert (traffic.queries, traffic.duplicates, len(traffic.observations)) == (2, 1, 2)


def test_tools_are_inferred_where_none_are_named(tmp_path: Path) -> None:
    calls = [Call("set", {"level": 3, "names": ["a"]}), Call("set", {"level": None}), None, Call("stop")]
    tools = parse_tools(infer_tools(calls))
    assert set(tools.functions) == {"set", "stop"}
    assert tools.functions["set"].parameters["level"].is_number
    assert tools.functions["set"].parameters["names"].accepts_list
    assert [tools.problem_with(call.name, call.arguments) for call in calls if call] == [None] * 3
    assert read(tmp_path, pair("1", "hello")).inferred
    assert not read(tmp_path, pair("1", "hello"), tools=TOOLS).inferred


def test_a_log_without_a_query_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="1 of 1 were rejected because of: empty query"):
        read(tmp_path, pair("1", " "))
