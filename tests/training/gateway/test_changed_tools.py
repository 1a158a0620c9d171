"""A tool that changed goes to the teacher until a student has learned it; the others stay inline."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.training.gateway.conftest import TOOLS, Gateway
from training.selectors.snapshot import PolicyEntry


def changed(function: str) -> list[dict[str, Any]]:
    """The tools, one of them with another parameter."""
    tools = copy.deepcopy(TOOLS)
    for tool in tools:
        if tool["function"]["name"] == function:
            tool["function"]["parameters"]["properties"]["speed"] = {"type": "number"}
    return tools


NEW: dict[str, Any] = {"type": "function", "function": {"name": "play_podcast", "parameters": {"type": "object"}}}
NOT_AS_LEARNED = "the function is not offered as the student learned it"


@pytest.mark.parametrize("tools", [changed("set_alarm"), TOOLS[:1], [*TOOLS, NEW]], ids=["changed", "removed", "new"])
@pytest.mark.parametrize(("text", "route"), [("play Sade", "student"), ("the usual", "memo")])
def test_functions_that_did_not_change_stay_inline(
    gateway: Gateway, tools: list[dict[str, Any]], text: str, route: str
) -> None:
    assert gateway.ask(text, tools=tools).headers["x-odia-route"] == route


@pytest.mark.parametrize(
    "tools", [changed("play_music"), TOOLS[1:], [*TOOLS, TOOLS[0]]], ids=["changed", "removed", "twice"]
)
@pytest.mark.parametrize("text", ["play Sade", "the usual"])
def test_a_function_that_changed_goes_to_the_teacher(gateway: Gateway, tools: list[dict[str, Any]], text: str) -> None:
    assert gateway.ask(text, tools=tools).headers["x-odia-route"] == "fallback"
    newest = max(gateway.records(text), key=lambda record: record.arrived_at)
    assert newest.reason in (NOT_AS_LEARNED, f"nothing known: {text}")


def test_tools_of_which_the_student_knows_none_are_the_teachers(gateway: Gateway) -> None:
    gateway.ask("play with others", tools=[NEW])
    [record] = gateway.records("play with others")
    assert (record.route, record.reason) == ("teacher", "the student was trained on other tools")


def test_answers_under_changed_tools_are_audited_more_often(gateway: Gateway) -> None:
    gateway.know(policy=PolicyEntry(audit_share=1e-9))
    for _ in range(60):
        gateway.ask("play on and on")
        gateway.ask("play on changed tools", tools=[*TOOLS, NEW])
    assert not any(record.audit for record in gateway.records("play on and on"))
    assert 1 <= sum(record.audit for record in gateway.records("play on changed tools")) <= 40
