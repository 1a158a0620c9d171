"""Which route a request takes, and that the answer and the record say why."""

from __future__ import annotations

from typing import Any

import pytest

from tests.training.gateway.conftest import TOOLS, Gateway, default_entry
from tests.training.gateway.servers import FakeTeacher
from training.selectors.snapshot import PolicyEntry

EARLIER = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "Hi."}]
INSTRUCTIONS = [{"role": "system", "content": "Be brief."}, {"role": "developer", "content": "Be kind."}]


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def chosen(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def allowed(*names: str) -> dict[str, Any]:
    tools = [chosen(name) for name in names]
    return {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": tools}}


@pytest.mark.parametrize(
    ("text", "route"),
    [("play Sade", "student"), ("The  USUAL", "memo"), ("maybe Sade", "fallback"), ("good morning", "fallback")],
)
def test_the_headers_say_how_the_answer_came(gateway: Gateway, text: str, route: str) -> None:
    response = gateway.ask(text)
    assert response.headers["x-odia-route"] == route
    assert response.headers["x-odia-student"] == "music-encoder-1"
    assert len(response.headers["x-odia-request-id"]) == 36
    assert {"key", "form", "eligibility", "memo"} <= {
        step.partition(";")[0] for step in response.headers["server-timing"].split(", ")
    }


def test_the_confidence_is_shown_where_the_student_was_asked(gateway: Gateway) -> None:
    assert gateway.ask("play Sade").headers["x-odia-confidence"] == "0.9900"
    assert gateway.ask("maybe Sade").headers["x-odia-confidence"] == "0.5000"
    assert "x-odia-confidence" not in gateway.ask("play Sade", tools=None).headers


def test_an_inline_answer_asks_no_teacher(gateway: Gateway, teacher: FakeTeacher) -> None:
    gateway.ask("play Sade")
    gateway.ask("the usual")
    assert not teacher.requests


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": list(reversed(TOOLS))},
        {"messages": [*INSTRUCTIONS, user("play Sade")]},
        {"messages": [user([{"type": "text", "text": "play "}, {"type": "text", "text": "Sade"}])]},
        {"n": 1, "stream": False, "parallel_tool_calls": True, "temperature": 0.3, "of_the_future": {"a": 1}},
        {"tool_choice": "auto"},
        {"tool_choice": "required"},
        {"tool_choice": chosen("play_music")},
        {"tool_choice": allowed("set_alarm", "play_music")},
        {"response_format": {"type": "text"}, "logprobs": False, "modalities": ["text"]},
    ],
)
def test_these_requests_are_answered_inline(gateway: Gateway, fields: dict[str, Any]) -> None:
    response = gateway.ask("play Sade", **fields)
    assert response.headers["x-odia-route"] == "student"
    assert response.json()["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] == '{"artist":"Sade"}'


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"tools": None}, "no tools"),
        ({"tools": []}, "the tools cannot be read"),
        ({"n": 2}, "several choices are asked for"),
        ({"tool_choice": "none"}, "tool_choice allows no call"),
        ({"response_format": {"type": "json_object"}}, "a response format is asked for"),
        ({"logprobs": True}, "log probabilities are asked for"),
        ({"modalities": ["text", "audio"]}, "other modalities than text are asked for"),
        ({"functions": []}, "functions is given"),
        ({"messages": [*EARLIER, user("play Sade")]}, "there are earlier turns"),
    ],
)
def test_these_requests_go_to_the_teacher_with_their_reason(
    gateway: Gateway, fields: dict[str, Any], reason: str
) -> None:
    text = f"play {reason}"
    messages = [*fields.pop("messages", [])[:-1], user(text)]
    assert gateway.ask(messages=messages, **fields).headers["x-odia-route"] == "teacher"
    assert [(record.route, record.reason) for record in gateway.records(text)] == [("teacher", reason)]


@pytest.mark.parametrize(
    "messages",
    [
        [user("play Sade"), {"role": "assistant", "content": "Which one?"}],
        [user([{"type": "text", "text": "play this"}, {"type": "image_url", "image_url": {"url": "data:,"}}])],
        [user("  ")],
    ],
)
def test_a_request_without_a_user_text_is_passed_on(gateway: Gateway, messages: list[Any]) -> None:
    before = len(gateway.records(None))
    assert gateway.ask(messages=messages).headers["x-odia-route"] == "teacher"
    assert len(gateway.records(None)) == before + 1


@pytest.mark.parametrize(
    ("text", "fields", "reason"),
    [
        ("maybe unsure", {}, "the confidence is below the threshold"),
        ("something else", {}, "nothing known: something else"),
        ("break it", {}, "the student failed"),
        ("play other", {"tool_choice": chosen("set_alarm")}, "tool_choice does not allow the call"),
        ("play others", {"tool_choice": allowed("set_alarm")}, "tool_choice does not allow the call"),
        ("play malformed", {"tool_choice": {"type": "function"}}, "tool_choice does not allow the call"),
    ],
)
def test_a_refusal_falls_back_to_the_teacher(gateway: Gateway, text: str, fields: dict[str, Any], reason: str) -> None:
    response = gateway.ask(text, **fields)
    assert response.json()["id"] == "chatcmpl-teacher"
    [record] = gateway.records(text)
    assert (record.route, record.reason, record.student) == ("fallback", reason, "music-encoder-1")


def test_the_policy_decides_what_is_inline(gateway: Gateway) -> None:
    turns = [*EARLIER, user("play Sade")]
    gateway.know(policy=PolicyEntry(allow_context=True))
    assert gateway.ask(messages=turns).headers["x-odia-route"] == "student"
    gateway.know(policy=PolicyEntry(switched_off=("play_music",)))
    assert gateway.ask("play Sade").headers["x-odia-route"] == "fallback"
    assert gateway.ask("the usual").headers["x-odia-route"] == "fallback"
    gateway.know(policy=PolicyEntry(inline=False))
    assert gateway.ask("play Sade").headers["x-odia-route"] == "teacher"


def test_without_a_certified_threshold_nothing_is_inline(gateway: Gateway) -> None:
    entry = default_entry(gateway.teacher_url, gateway.folder).champion
    assert entry
    gateway.know(
        champion=type(entry)(entry.version, entry.artifact, entry.manifest_sha256, entry.tool_set_sha256, None)
    )
    gateway.wait_for_student("answers")
    for text in ("play Sade", "the usual"):
        assert gateway.ask(text).headers["x-odia-route"] == "teacher"


def test_without_a_teacher_the_student_still_answers(gateway: Gateway) -> None:
    gateway.know(teacher=None)
    assert gateway.ask("play Sade").headers["x-odia-route"] == "student"
    response = gateway.ask("good morning")
    assert response.status_code == 503
    assert "has no teacher" in response.json()["error"]["message"]
    assert response.headers["x-odia-route"] == "fallback"


def test_a_named_function_ends_with_stop_as_openai_says(gateway: Gateway) -> None:
    choice = gateway.ask("play Sade", tool_choice=chosen("play_music")).json()["choices"][0]
    assert choice["finish_reason"] == "stop"


def test_the_record_of_an_inline_answer_is_whole(gateway: Gateway) -> None:
    fields = {"user": "listener-5", "model": "large"}
    response = gateway.ask("play everything", **fields)
    [record] = gateway.records("play everything")
    assert str(record.id) == response.headers["x-odia-request-id"]
    assert (record.application_id, record.key_id, record.client_id) == (1, 7, "listener-5")
    assert record.call and record.call.arguments == {"artist": "everything"}
    assert (record.confidence, record.threshold, record.status) == (0.99, 0.9, 200)
    assert record.answer is None
    assert record.steps["student"] <= record.total_ms
    assert response.json()["model"] == "large"


@pytest.mark.parametrize("stream", [False, True])
def test_the_record_of_a_teachers_answer_is_whole(gateway: Gateway, teacher: FakeTeacher, stream: bool) -> None:
    text = f"anything, {stream}"
    options = {"include_usage": True} if stream else None
    context = [*INSTRUCTIONS, *EARLIER]
    gateway.ask(messages=[*context, user(text)], stream=stream, stream_options=options)
    [record] = gateway.records(text)
    assert record.context == EARLIER
    assert record.answer and record.answer.call
    assert record.answer.call.as_json() == teacher.call
    assert (record.answer.prompt_tokens, record.answer.completion_tokens) == (90, 7)
    assert record.answer.model == "large-2026"
    assert 0 < record.answer.latency_ms <= record.total_ms


@pytest.mark.parametrize("stream", [False, True])
def test_several_calls_and_text_are_told_apart(gateway: Gateway, teacher: FakeTeacher, stream: bool) -> None:
    teacher.call = None
    gateway.ask(f"small talk, {stream}", stream=stream)
    [record] = gateway.records(f"small talk, {stream}")
    assert record.answer and record.answer.call is None and not record.answer.several_calls
