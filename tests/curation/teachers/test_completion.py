"""Reading OpenAI's messages: the query in a request, the call in an answer."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.ml.calls import Call
from curation.teachers.completion import (
    CompletionError,
    ParsedAnswer,
    QueryError,
    parse_call,
    parse_completion,
    parse_message,
    parse_query,
)


def tool_call(name: Any = "play", arguments: Any = '{"song": "yellow"}') -> dict[str, Any]:
    return {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}


def message(*tool_calls: dict[str, Any], content: Any = None) -> dict[str, Any]:
    return {"role": "assistant", "content": content, "tool_calls": list(tool_calls)}


def test_one_call_is_the_call() -> None:
    assert parse_message(message(tool_call())) == ParsedAnswer(Call("play", {"song": "yellow"}), "")


def test_text_is_no_call() -> None:
    assert parse_message({"role": "assistant", "content": "Hello."}) == ParsedAnswer(None, "Hello.")


def test_text_beside_a_call_is_kept() -> None:
    assert parse_message(message(tool_call(), content="One moment.")).text == "One moment."


def test_a_refusal_is_text() -> None:
    assert parse_message({"content": None, "refusal": "I cannot."}) == ParsedAnswer(None, "I cannot.")


def test_several_calls_are_no_single_call_and_are_marked() -> None:
    assert parse_message(message(tool_call(), tool_call("pause", "{}"))) == ParsedAnswer(None, "", several_calls=True)


@pytest.mark.parametrize("arguments", ["", "{}", {}])
def test_a_function_without_parameters_may_have_no_arguments(arguments: Any) -> None:
    assert parse_message(message(tool_call("pause", arguments))).call == Call("pause", {})


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (tool_call(name=""), "no function name"),
        (tool_call(name=None), "no function name"),
        (tool_call(arguments="{'song': 1}"), "not JSON"),
        (tool_call(arguments='{"a": NaN}'), "not JSON"),
        (tool_call(arguments='{"a": 1e999}'), "not JSON"),
        (tool_call(arguments="[" * 100_000), "not JSON"),
        (tool_call(arguments='"\ud800"'), "not JSON"),
        (tool_call(arguments="[]"), "not a JSON object"),
        (tool_call(arguments=None), "not a JSON object"),
        (tool_call(arguments='{"a": "\\u0000"}'), "NUL character"),
        (tool_call(arguments='{"a": 99999999999999999999}'), "number too large"),
        ({"type": "function"}, "no function"),
    ],
)
def test_a_broken_call_is_told_in_a_sentence(broken: dict[str, Any], sentence: str) -> None:
    with pytest.raises(CompletionError, match=sentence):
        parse_message(message(broken))


@pytest.mark.parametrize("body", [None, [], {}, {"choices": []}, {"choices": [None]}, {"choices": [{}]}])
def test_a_body_without_a_message_is_told(body: Any) -> None:
    with pytest.raises(CompletionError):
        parse_completion(body)


def test_the_first_choice_counts() -> None:
    choices = [{"message": message(tool_call())}, {"message": {"content": "No."}}]
    assert parse_completion({"choices": choices}).call == Call("play", {"song": "yellow"})


def test_instructions_are_no_turns() -> None:
    turns = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "Hello."}]
    query = parse_query([{"role": "system", "content": "Be brief."}, *turns, {"role": "user", "content": "again"}])
    assert (query.text, query.context) == ("again", turns)


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([], "no user message"),
        (["hi"], "no user message"),
        ([{"role": "assistant", "content": "hi"}], "no user message"),
        ([{"role": "user", "content": " "}], "empty query"),
        ([{"role": "user"}], "empty query"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}], "not text only"),
        ([{"role": "user", "content": {"text": "hi"}}], "not text only"),
        ([{"role": "user", "content": "a\x00"}], "NUL character"),
        ([{"role": "user", "content": "\ud800"}], "half a surrogate pair"),
    ],
)
def test_messages_without_a_query_are_told_by_reason(messages: list[Any], reason: str) -> None:
    with pytest.raises(QueryError) as refused:
        parse_query(messages)
    assert refused.value.reason == reason


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(json_values, json_values, json_values)
def test_any_message_is_read_or_refused(content: Any, name: Any, arguments: Any) -> None:
    for candidate in (content, message(tool_call(name, arguments), content=content)):
        try:
            answer = parse_message(candidate)
        except CompletionError:
            continue
        assert isinstance(answer.text, str)


def test_a_call_keeps_its_arguments_as_they_are() -> None:
    assert parse_call("play", {"n": [1, {"a": None}]}) == Call("play", {"n": [1, {"a": None}]})
