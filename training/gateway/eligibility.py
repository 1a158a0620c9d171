"""Which requests a student may answer at all. Every refusal has its reason, in a few words."""

from __future__ import annotations

from typing import Any

from curation.ml.calls import Call
from training.gateway.form import ChatRequest
from training.gateway.offered_tools import OfferedTools
from training.gateway.students import Serving
from training.selectors.snapshot import PolicyEntry

TEACHER_ONLY_FIELDS = ("audio", "web_search_options", "functions", "function_call")
"""What only the teacher can do, or an older form of the API."""


def why_not(chat: ChatRequest, tools: OfferedTools | None, policy: PolicyEntry, serving: Serving) -> str | None:
    """Why only the teacher may answer; None if the student may."""
    return (
        _why_not_these_tools(chat, tools, serving)
        or _why_not_these_messages(chat, policy)
        or _why_not_this_answer(chat)
    )


def why_not_call(
    call: Call, chat: ChatRequest, tools: OfferedTools | None, policy: PolicyEntry, serving: Serving
) -> str | None:
    """Why this call of the student may not be sent; None if it may."""
    if call.name in policy.switched_off:
        return "the function is switched off"
    if call.name in serving.entry.switched_off:
        return "the audits switched the function off"
    if tools is None or (changed_tools(tools, serving) and not _is_unchanged(call.name, tools, serving)):
        return "the function is not offered as the student learned it"
    if not tool_choice_allows(chat.value("tool_choice"), call.name):
        return "tool_choice does not allow the call"
    return None


def changed_tools(tools: OfferedTools, serving: Serving) -> bool:
    """Whether the tools are others than those that the student was trained on."""
    return tools.sha256 != serving.student.tool_set_sha256


def _is_unchanged(function: str, tools: OfferedTools, serving: Serving) -> bool:
    learned = serving.student.functions.get(function)
    return learned is not None and tools.functions.get(function) == learned


def _why_not_these_tools(chat: ChatRequest, tools: OfferedTools | None, serving: Serving) -> str | None:
    if "tools" not in chat.fields:
        return "no tools"
    if tools is None:
        return "the tools cannot be read"
    if changed_tools(tools, serving) and not any(
        _is_unchanged(function, tools, serving) for function in serving.student.functions
    ):
        return "the student was trained on other tools"
    return None


def _why_not_these_messages(chat: ChatRequest, policy: PolicyEntry) -> str | None:
    if chat.query is None:
        return chat.no_query
    return "there are earlier turns" if chat.query.context and not policy.allow_context else None


def _why_not_this_answer(chat: ChatRequest) -> str | None:
    if chat.value("n") not in (None, 1):
        return "several choices are asked for"
    if chat.value("tool_choice") == "none":
        return "tool_choice allows no call"
    if chat.value("response_format") not in (None, {"type": "text"}):
        return "a response format is asked for"
    if chat.value("stream") not in (None, True, False):
        return "stream is neither true nor false"
    if chat.value("logprobs") not in (None, False):
        return "log probabilities are asked for"
    if chat.value("modalities") not in (None, ["text"]):
        return "other modalities than text are asked for"
    asked = (name for name in TEACHER_ONLY_FIELDS if chat.value(name) is not None)
    return next((f"{name} is given" for name in asked), None)


def tool_choice_allows(choice: Any, function: str) -> bool:
    """Whether `tool_choice`, in any of its forms, lets the model call this function."""
    match choice:
        case None | "auto" | "required":
            return True
        case {"type": "function", "function": {"name": wanted}}:
            return bool(wanted == function)
        case {"type": "allowed_tools", "allowed_tools": {"tools": [*tools]}}:
            return any(tool_choice_allows(tool, function) for tool in tools if isinstance(tool, dict))
        case _:
            return False


def forces_one_function(choice: Any) -> bool:
    """Whether `tool_choice` names the one function to call."""
    return isinstance(choice, dict) and choice.get("type") == "function"
