"""Whatever a client sends gets its sentence and its status, and disturbs nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.training.gateway.conftest import KEY, TOOLS, Gateway
from tests.training.gateway.servers import FakeTeacher

USER = {"role": "user", "content": "play Sade"}


def post(gateway: Gateway, content: bytes) -> httpx.Response:
    return gateway.client.post("/v1/chat/completions", content=content)


def assert_error(response: httpx.Response, status: int, sentence: str) -> None:
    error = response.json()["error"]
    assert (response.status_code, response.headers["content-type"]) == (status, "application/json")
    assert sentence in error["message"]
    assert error.keys() == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer odia-wrong", f"Basic {KEY}", f"Bearer {KEY} x", "Bearer " + "x" * 9000]
)
def test_without_a_right_key_there_is_no_answer(gateway: Gateway, teacher: FakeTeacher, header: str) -> None:
    for path in ("chat/completions", "models"):
        method = "POST" if path.startswith("chat") else "GET"
        response = gateway.client.request(method, f"/v1/{path}", headers={"authorization": header})
        assert_error(response, 401, "API key")
        assert response.json()["error"]["code"] == "invalid_api_key"
    assert not teacher.requests


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "not JSON"),
        (b'{"model": "odia", "messages": [', "not JSON"),
        (b'{"model": "odia"} trailing', "not JSON"),
        (b"\x00\x01\x02", "not JSON"),
        (b"NaN", "not JSON"),
        (b'{"model": "\xff"}', "not UTF-8 (byte 11)"),
        ('{"model": "odia"}'.encode("utf-16"), "not UTF-8"),
        (b"[]", "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "nested too deeply"),
        (b'{"messages": [{"role": "user", "content": "hi"}]}', "`model` must be given, as a string"),
        (b'{"model": 7, "messages": [{"role": "user", "content": "hi"}]}', "`model` must be given, as a string"),
        (b'{"model": "odia"}', "`messages` must be a list"),
        (b'{"model": "odia", "messages": "hi"}', "`messages` must be a list"),
        (b'{"model": "odia", "messages": {}}', "`messages` must be a list"),
        (b'{"model": "odia", "messages": [7]}', "Expected `object`, got `int`"),
        (b'{"model": "odia", "messages": []}', "at least one message"),
        (b'{"model": "odia", "messages": [{"role": "user", "content": "\\ud800"}]}', "half of a surrogate pair"),
        (b'{"model": "odia", "messages": [{"n": 1e999}]}', "`messages` must be a list"),
    ],
)
def test_a_malformed_body_is_told_what_is_wrong(gateway: Gateway, content: bytes, sentence: str) -> None:
    assert_error(post(gateway, content), 400, sentence)


def test_a_model_that_is_not_known_is_named(gateway: Gateway) -> None:
    response = gateway.ask(model="gpt-unknown")
    assert_error(response, 404, "There is no model `gpt-unknown` here; use `odia` or `large`.")
    assert response.json()["error"]["code"] == "model_not_found"


def padded(size: int) -> bytes:
    body = {"model": "odia", "messages": [USER], "tools": TOOLS, "metadata": ""}
    return json.dumps(body | {"metadata": "x" * (size - len(json.dumps(body)))}).encode()


def in_pieces(content: bytes) -> Iterator[bytes]:
    yield from (content[start : start + 50_000] for start in range(0, len(content), 50_000))


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_refused_and_one_at_the_limit_is_not(gateway: Gateway, chunked: bool) -> None:
    for size, status in ((2**20, 200), (2**20 + 1, 413), (2 * 2**20, 413)):
        content = padded(size)
        response = gateway.client.post("/v1/chat/completions", content=in_pieces(content) if chunked else content)
        assert response.status_code == status
    assert_error(response, 413, "larger than 1,048,576 bytes")
    assert gateway.ask("play Sade").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/chat/completions", 405),
        ("POST", "/v1/embeddings", 404),
        ("GET", "/", 404),
        ("PUT", "/v1/models", 405),
    ],
)
def test_other_addresses_have_their_sentence_too(gateway: Gateway, method: str, path: str, status: int) -> None:
    response = gateway.client.request(method, path)
    assert_error(response, status, "nothing at this address")


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": 7},
        {"tools": [7, None, {"type": "function"}]},
        {"tools": {"a": 1}},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "no such type"}}}]},
        {"tool_choice": 7},
        {"tool_choice": {"type": "function", "function": []}},
        {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"tools": [7, {"type": "function"}]}}},
        {"n": 10**400},
        {"stream_options": 7},
        {"tools": [{"type": "function", "function": {"name": "f", "description": "\u0000"}}]},
        {"user": "\u0000"},
        {"user": {"a": ["b"]}, "safety_identifier": 5},
        {"messages": [{"role": "user", "content": "play \u0000 Sade"}]},
        {"messages": [{"role": "user", "content": [7]}]},
        {"messages": [{"role": 7, "content": {"a": 1}}]},
        {"messages": [{}]},
        {"response_format": 7, "logprobs": [], "modalities": {}},
    ],
)
def test_what_only_the_teacher_can_judge_goes_to_the_teacher(gateway: Gateway, fields: dict[str, Any]) -> None:
    response = gateway.ask(**{"messages": [USER]} | fields)
    assert response.status_code == 200
    assert response.headers["x-odia-route"] in {"teacher", "student", "fallback"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
SHAPE = ["model", "messages", "tools", "stream", "stream_options"]
WISHES = ["tool_choice", "n", "response_format", "logprobs", "functions", "user", "safety_identifier", "unknown"]
FIELDS = st.sampled_from([*SHAPE, *WISHES])
ROLES = st.sampled_from(["user", "system", "assistant", "tool", "developer"])
PARTS = st.lists(st.fixed_dictionaries({"type": st.sampled_from(["text", "image_url"])}, optional={"text": JSON}))
MESSAGES = st.lists(
    st.fixed_dictionaries({"role": ROLES | JSON, "content": st.just("play Sade") | PARTS | JSON}),
    min_size=1,
    max_size=4,
)
NEARLY_RIGHT = st.builds(
    lambda messages, changes: {"model": "odia", "messages": messages, "tools": TOOLS} | changes,
    MESSAGES,
    st.dictionaries(FIELDS, JSON, max_size=3),
)
CONTENTS = st.binary(max_size=200) | (JSON | NEARLY_RIGHT).map(lambda value: json.dumps(value).encode())


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=CONTENTS)
def test_no_request_makes_the_gateway_fail(gateway: Gateway, content: bytes) -> None:
    response = post(gateway, content)
    assert response.status_code in {200, 400, 404}
    if response.status_code != 200:
        assert response.json()["error"]["message"]
