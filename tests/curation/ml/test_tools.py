from __future__ import annotations

from typing import Any

import pytest

from curation.ml.tools import ToolSetError, hash_functions, hash_tools, parse_tools


def tool(name: str = "play", **schema: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "description": "Plays.", "parameters": schema}}


PLAY = tool(
    type="object",
    properties={
        "song": {"type": "string"},
        "mood": {"anyOf": [{"enum": ["calm", "loud"]}, {"type": "null"}]},
        "days": {"type": "array", "items": {"type": "string", "enum": ["mon", "tue"]}},
        "volume": {"type": ["integer", "null"]},
        "anything": True,
    },
    required=["song"],
)


def test_parameters_are_read_in_the_order_of_the_schema() -> None:
    found = parse_tools([PLAY]).functions["play"]
    assert list(found.parameters) == ["song", "mood", "days", "volume", "anything"]
    assert found.description == "Plays."
    assert [name for name, parameter in found.parameters.items() if parameter.required] == ["song"]


def test_types_and_enumerations_of_alternatives_and_items_are_united() -> None:
    parameters = parse_tools([PLAY]).functions["play"].parameters
    assert parameters["mood"].enum == ("calm", "loud")
    assert parameters["days"].enum == ("mon", "tue")
    assert parameters["days"].accepts_list
    assert parameters["volume"].is_number
    assert not parameters["song"].is_number
    assert parameters["anything"].enum is None


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"song": "hello"}, None),
        ({}, "play: 'song' is a required property"),
        ({"song": 5}, "play: song: 5 is not of type 'string'"),
    ],
)
def test_the_problem_with_a_call_is_one_sentence(arguments: dict[str, Any], problem: str | None) -> None:
    assert parse_tools([PLAY]).problem_with("play", arguments) == problem


def test_a_function_that_is_not_offered_is_a_problem() -> None:
    assert parse_tools([PLAY]).problem_with("stop", {}) == "The tool set has no function 'stop'."


def test_the_hash_does_not_depend_on_the_order_of_tools_or_keys() -> None:
    stop = tool("stop")
    assert hash_tools([PLAY, stop]) == hash_tools([stop, dict(reversed(PLAY.items()))])
    assert hash_tools([PLAY]) != hash_tools([stop])
    assert parse_tools([PLAY]).sha256 == hash_tools([PLAY])


def test_a_functions_hash_tells_whether_anything_of_it_changed() -> None:
    stop = tool("stop")
    hashes = hash_functions([PLAY, stop])
    assert hash_functions([dict(reversed(stop.items())), PLAY]) == hashes
    described = {**PLAY, "function": {**PLAY["function"], "description": "Another one."}}
    changed = hash_functions([described, stop])
    assert changed["stop"] == hashes["stop"]
    assert changed["play"] != hashes["play"]


@pytest.mark.parametrize("odd", ["play", None, {"type": "custom"}, {"type": "function"}, tool("stop"), tool("")])
def test_what_is_no_function_of_its_own_has_no_hash(odd: Any) -> None:
    stop = tool("stop")
    assert set(hash_functions([PLAY, stop, odd])) == ({"play"} if odd == stop else {"play", "stop"})


def test_a_function_without_parameters_takes_none() -> None:
    bare = {"type": "function", "function": {"name": "stop"}}
    assert parse_tools([bare]).functions["stop"].parameters == {}


@pytest.mark.parametrize(
    ("tools", "message"),
    [
        ({}, "must be a list"),
        ([], "at least one function"),
        (["play"], r"tools\[0\] is not a function"),
        ([PLAY, {"type": "function", "function": {"name": ""}}], r"tools\[1\] is not a function"),
        ([PLAY, PLAY], "'play' stands twice"),
        ([{"type": "function", "function": {"name": "f", "parameters": [1]}}], "'f' are not a JSON Schema"),
        ([tool("f", type="nonsense")], "'f' are not a JSON Schema: "),
    ],
)
def test_what_is_not_a_tools_list_is_told(tools: Any, message: str) -> None:
    with pytest.raises(ToolSetError, match=message):
        parse_tools(tools)
