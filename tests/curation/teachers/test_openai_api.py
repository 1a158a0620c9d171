"""Asking a teacher: what an answer holds, and the sentence for everything that can go wrong."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from curation.ml.calls import Call
from curation.teachers import openai_api
from curation.teachers.openai_api import (
    RequestRefused,
    TeacherAnswer,
    TeacherEndpoint,
    TeacherError,
    ask,
    check_connection,
    check_tools,
)

ENDPOINT = TeacherEndpoint("http://teacher.example/v1/", "large", "sk-secret")
MESSAGES = [{"role": "user", "content": "play yellow"}]
TOOLS = [{"type": "function", "function": {"name": "play"}}]

Handler = Callable[[httpx.Request], httpx.Response]


def completion(**changes: Any) -> dict[str, Any]:
    call = {"type": "function", "function": {"name": "play", "arguments": '{"song": "yellow"}'}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    usage = {"prompt_tokens": 90, "completion_tokens": 12}
    return {"id": "chatcmpl-1", "choices": [{"message": message}], "usage": usage} | changes


def put(handler: Handler) -> TeacherAnswer:
    async def run() -> TeacherAnswer:
        async with httpx.AsyncClient(transport=httpx.MockTransport(handler)) as client:
            return await ask(client, ENDPOINT, MESSAGES, TOOLS)

    return asyncio.run(run())


def failure(handler: Handler) -> TeacherError:
    with pytest.raises(TeacherError) as failed:
        put(handler)
    assert "sk-secret" not in str(failed.value)
    return failed.value


def test_the_request_is_openais_and_the_answer_is_read() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=completion())

    answer = put(handler)
    assert answer.call == Call("play", {"song": "yellow"})
    assert (answer.text, answer.several_calls, answer.prompt_tokens, answer.completion_tokens) == ("", False, 90, 12)
    assert answer.latency_ms > 0
    assert str(seen[0].url) == "http://teacher.example/v1/chat/completions"
    assert seen[0].headers["authorization"] == "Bearer sk-secret"
    assert json.loads(seen[0].content) == {"model": "large", "messages": MESSAGES, "tools": TOOLS}


@pytest.mark.parametrize(
    "usage", [None, [], {}, {"prompt_tokens": "many", "completion_tokens": -1}, {"prompt_tokens": 2**40}]
)
def test_tokens_that_are_not_reported_are_unknown(usage: Any) -> None:
    answer = put(lambda _: httpx.Response(200, json=completion(usage=usage)))
    assert (answer.prompt_tokens, answer.completion_tokens) == (None, None)


def error(status: int, message: str) -> httpx.Response:
    return httpx.Response(status, json={"error": {"message": message}})


@pytest.mark.parametrize(
    ("response", "sentence", "retryable"),
    [
        (error(401, "bad key"), "refuses the key", False),
        (error(404, "The model `large` does not exist"), "does not know the model 'large'", False),
        (httpx.Response(404, text="Not Found"), "not a chat completions API", False),
        (httpx.Response(307, headers={"location": "http://169.254.169.254/"}), "not a chat completions API", False),
        (error(429, "slow down"), "no more requests for now .*: slow down", True),
        (error(500, "broken"), "status 500", True),
        (httpx.Response(503, text="<html>"), "status 503", True),
        (httpx.Response(507, text="overloaded"), "status 507", True),
        (httpx.Response(501, text="no"), "status 501", False),
        (error(400, "x" * 5000), "status 400", False),
        (httpx.Response(400, json={"error": "no object"}), "status 400", False),
        (httpx.Response(200, text="<html>"), "not answer in JSON", True),
        (httpx.Response(200, json={"choices": []}), "no choices", False),
        (httpx.Response(200, json=completion(choices=[{"message": {"content": 5}}])), "cannot be read", False),
    ],
)
def test_every_failure_is_one_sentence(response: httpx.Response, sentence: str, retryable: bool) -> None:
    failed = failure(lambda _: response)
    assert httpx.codes(response.status_code) and len(str(failed)) < 400
    assert failed.retryable is retryable
    with pytest.raises(TeacherError, match=sentence):
        raise failed


@pytest.mark.parametrize(
    ("raised", "sentence"),
    [
        (httpx.ConnectError("refused"), "cannot be reached"),
        (httpx.ConnectTimeout("slow"), "cannot be reached"),
        (httpx.ReadTimeout("slow"), "did not answer in time"),
        (httpx.RemoteProtocolError("garbage"), "broke the connection off"),
    ],
)
def test_a_teacher_that_is_away_may_be_asked_again(raised: Exception, sentence: str) -> None:
    def handler(_: httpx.Request) -> httpx.Response:
        raise raised

    failed = failure(handler)
    assert sentence in str(failed) and failed.retryable


def test_the_key_is_not_shown() -> None:
    assert "sk-secret" not in repr(ENDPOINT)


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str | None]:
    """Runs check_connection, or check_tools, against a handler."""

    real_client = httpx.Client

    def run(handler: Handler, check: Callable[[TeacherEndpoint], str | None] = check_connection) -> str | None:
        transport = httpx.MockTransport(handler)
        monkeypatch.setattr(openai_api.httpx, "Client", lambda **_: real_client(transport=transport))
        return check(ENDPOINT)

    return run


Connect = Callable[..., str | None]


def by_path(models: httpx.Response, answer: httpx.Response) -> Handler:
    return lambda request: models if request.url.path == "/v1/models" else answer


def test_a_teacher_that_answers_has_no_problem(connect: Connect) -> None:
    good = httpx.Response(200, json=completion())
    assert connect(by_path(httpx.Response(200, json={"data": []}), good)) is None


def test_a_teacher_without_a_list_of_models_has_no_problem(connect: Connect) -> None:
    assert connect(by_path(httpx.Response(404), httpx.Response(200, json=completion()))) is None


def test_a_model_that_takes_the_newer_limit_only_has_no_problem(connect: Connect) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        if b'"max_tokens"' in request.content:
            return error(400, "Use max_completion_tokens instead.")
        return httpx.Response(200, json=completion())

    assert connect(handler) is None


def test_a_wrong_key_a_wrong_model_and_a_wrong_address_are_told_apart(connect: Connect) -> None:
    fine = httpx.Response(200, json={"data": []})
    assert "key" in str(connect(by_path(error(401, "bad key"), fine)))
    assert "model 'large'" in str(connect(by_path(fine, error(404, "no such model"))))
    assert "not a chat completions API" in str(connect(by_path(fine, httpx.Response(404, text="Not Found"))))


def test_a_teacher_that_calls_a_function_takes_tools(connect: Connect) -> None:
    called = {"function": {"name": "ping", "arguments": "{}"}, "id": "1", "type": "function"}
    message = {"role": "assistant", "content": None, "tool_calls": [called]}
    assert connect(lambda _: httpx.Response(200, json={"choices": [{"message": message}]}), check_tools) is None


def test_a_teacher_without_tools_is_told(connect: Connect) -> None:
    message = {"role": "assistant", "content": "I cannot."}
    answer = httpx.Response(200, json={"choices": [{"message": message}]})
    assert "answered with text" in str(connect(lambda _: answer, check_tools))
    assert "does not support tools" in str(connect(lambda _: error(400, "does not support tools"), check_tools))

    def silent(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow")

    assert "did not answer in time" in str(connect(silent, check_tools))


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/v1", "nonsense", "http://[::1", "ftp://x/v1", ""])
def test_an_address_where_nothing_is_gives_a_sentence(url: str) -> None:
    assert "." in str(check_connection(TeacherEndpoint(url, "large")))


@pytest.mark.parametrize(
    ("response", "in_vain"),
    [
        (httpx.Response(400, json={"error": {"message": "The context is too long."}}), True),
        (httpx.Response(200, json={"choices": []}), True),
        (httpx.Response(401), False),
        (httpx.Response(404), False),
        (httpx.Response(503), False),
        (httpx.Response(200, text="<html>"), False),
    ],
)
def test_what_is_about_this_request_alone_is_told_apart(response: httpx.Response, in_vain: bool) -> None:
    assert isinstance(failure(lambda _: response), RequestRefused) is in_vain
