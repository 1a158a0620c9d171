"""Reading OpenAI's chat messages: the query in a request, and the call in an answer. The one place that does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from curation.ml.calls import Call
from curation.teachers.storable import problem_with_text, problem_with_value

LONGEST_NAME = 200
INSTRUCTION_ROLES = ("system", "developer")
"""Messages of these roles are the application's, not turns of the conversation."""


class CompletionError(ValueError):
    """The answer cannot be read as text or as calls; the message says why."""


class QueryError(ValueError):
    """The messages hold no query; `reason` says why in a few words, the message in a sentence."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """An answer of a teacher.

    `call` is set if, and only if, the teacher made exactly one call. Where it made several, `several_calls` is
    true and `call` is None: such a query is never simple, and which of its calls matters is not for ODIA to say.
    `text` is empty where there is none.
    """

    call: Call | None
    text: str
    several_calls: bool = False


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """The user's last message as text, and the earlier turns (system and developer messages left out)."""

    text: str
    context: list[dict[str, Any]]


def parse_completion(body: Any) -> ParsedAnswer:
    """Read the first choice of a `chat.completion`.

    Raises:
        CompletionError: there is no choice with a message, or its message cannot be read.
    """
    choices = body.get("choices") if isinstance(body, dict) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise CompletionError("The response has no choices.")
    return parse_message(choices[0].get("message"))


def parse_message(message: Any) -> ParsedAnswer:
    """Read the message of a choice.

    Raises:
        CompletionError: it is no message, or one of its calls has no name or no JSON object of arguments.
    """
    if not isinstance(message, dict):
        raise CompletionError("The choice has no message.")
    tool_calls = message.get("tool_calls")
    if not isinstance(tool_calls, list | None):
        raise CompletionError("`tool_calls` is not a list.")
    calls = [_parse_tool_call(tool_call) for tool_call in tool_calls or ()]
    text = text_of(message.get("content") or message.get("refusal"))
    if text is None:
        raise CompletionError("The content of the message is neither text nor a list of parts.")
    if problem := problem_with_text(text):
        raise CompletionError(f"The answer cannot be stored: {problem}.")
    return ParsedAnswer(calls[0] if len(calls) == 1 else None, text, several_calls=len(calls) > 1)


def parse_query(messages: Sequence[Any]) -> ParsedQuery:
    """The query that a request's `messages` end with.

    Raises:
        QueryError: the last message is not the user's, it is not text, it is empty, or it cannot be stored.
    """
    if not messages or not all(isinstance(message, dict) for message in messages):
        raise QueryError("no user message", "`messages` must be a list with at least one message.")
    last = messages[-1]
    if last.get("role") != "user":
        raise QueryError("no user message", "The last message is not the user's.")
    text = text_of(last.get("content"))
    if text is None:
        raise QueryError("not text only", "The user's message has parts that are not text.")
    if not text.strip():
        raise QueryError("empty query", "The user's message is empty.")
    context = [message for message in messages[:-1] if message.get("role") not in INSTRUCTION_ROLES]
    if problem := problem_with_text(text) or problem_with_value(context):
        raise QueryError(problem, f"The messages cannot be stored: {problem}.")
    return ParsedQuery(text, context)


def text_of(content: Any) -> str | None:
    """The text of a message's content, a string or a list of parts; None if something in it is not text."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    parts = [_text_of_part(part) for part in content] if isinstance(content, list) else [None]
    return None if None in parts else "".join(part for part in parts if part)


def _text_of_part(part: Any) -> str | None:
    if not isinstance(part, Mapping) or part.get("type") != "text":
        return None
    text = part.get("text")
    return text if isinstance(text, str) else None


def _parse_tool_call(tool_call: Any) -> Call:
    function = tool_call.get("function") if isinstance(tool_call, dict) else None
    if not isinstance(function, dict):
        raise CompletionError("A tool call has no function.")
    return parse_call(function.get("name"), _arguments(function.get("arguments")))


def parse_call(name: Any, arguments: Any) -> Call:
    """A call from its two parts.

    Raises:
        CompletionError: the name is not a non-empty string or is too long, the arguments are not a JSON object, or
            something in them cannot be stored (a NUL character, an endless number).
    """
    if not isinstance(name, str) or not name:
        raise CompletionError("The call has no function name.")
    if len(name) > LONGEST_NAME:
        raise CompletionError(f"The function name {name[:80]!r}… is longer than {LONGEST_NAME} characters.")
    if not isinstance(arguments, dict):
        raise CompletionError(f"The arguments of {name[:80]!r} are not a JSON object.")
    if problem := problem_with_text(name) or problem_with_value(arguments):
        raise CompletionError(f"The call cannot be stored: {problem}.")
    return Call(name, arguments)


def _arguments(written: Any) -> Any:
    """The arguments, which OpenAI sends as JSON inside a string; some send none for a function without parameters."""
    if not isinstance(written, str):
        return written
    try:
        return msgspec.json.decode(written or "{}")
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise CompletionError("The arguments of the call are not JSON.") from error
