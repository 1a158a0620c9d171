"""A large model behind an OpenAI-compatible API."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import httpx

from curation.ml.calls import Call
from curation.teachers.completion import CompletionError, parse_completion
from curation.teachers.retry_after import seconds_of

TIMEOUT_SECONDS = 60.0
CONNECT_SECONDS = 5.0
TEST_TIMEOUT = httpx.Timeout(15.0, connect=5.0)
"""A person waits for the outcome of a test."""
PING = {"type": "function", "function": {"name": "ping", "parameters": {"type": "object", "properties": {}}}}
REFUSED_STATUSES = frozenset({400, 413, 422})
RETRYABLE_STATUSES = frozenset({408, 409, 425})
NEVER_STATUSES = frozenset({501, 505})
"""Server errors that no waiting mends."""
MOST_TOKENS = 2**31 - 1
LONGEST_REMARK = 200
NO_FIELDS: Mapping[str, Any] = MappingProxyType({})


class TeacherError(Exception):
    """The teacher gave no usable answer: one sentence, whether asking again may help, and after how many seconds.

    `retry_after` is what the teacher asks for, None where it says nothing; `status` is None where none was answered.
    `billed` says that the teacher may have worked on an answer, and will be paid for it.
    """

    def __init__(
        self,
        sentence: str,
        *,
        retryable: bool,
        retry_after: float | None = None,
        status: int | None = None,
        billed: bool = False,
    ) -> None:
        super().__init__(sentence)
        self.retryable = retryable
        self.retry_after = retry_after
        self.status = status
        self.billed = billed


class RequestRefused(TeacherError):
    """The teacher works, but gives no usable answer to this request: asking it again would be in vain."""

    def __init__(self, sentence: str, *, billed: bool = False) -> None:
        super().__init__(sentence, retryable=False, billed=billed)


class UnreadableAnswer(RequestRefused):
    """The answer is neither text nor a call that can be read; of a model that errs now and then, another may be."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, billed=True)


@dataclass(frozen=True, slots=True)
class TeacherEndpoint:
    """Where a teacher is reached. `base_url` ends before `/chat/completions`; an empty key sends none."""

    base_url: str
    model: str
    api_key: str = field(default="", repr=False)

    def url(self, path: str) -> str:
        return f"{self.base_url.rstrip('/')}/{path}"

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.api_key}"} if self.api_key else {}


@dataclass(frozen=True, slots=True)
class TeacherAnswer:
    """One answer. `call` is None for text, and for several calls at once; tokens are None where not reported."""

    call: Call | None
    text: str
    several_calls: bool
    latency_ms: float
    prompt_tokens: int | None
    completion_tokens: int | None


async def ask(
    client: httpx.AsyncClient,
    endpoint: TeacherEndpoint,
    messages: Sequence[dict[str, Any]],
    tools: Sequence[dict[str, Any]] | None,
    fields: Mapping[str, Any] = NO_FIELDS,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> TeacherAnswer:
    """Ask for one completion. `fields` are further ones of the request.

    Raises:
        TeacherError: no connection, no answer in time, an error status, or an answer that cannot be read.
    """
    own = {"model": endpoint.model, "messages": list(messages), **({"tools": list(tools)} if tools else {})}
    body = {**fields, **own}
    started = time.perf_counter()
    try:
        response = await client.post(
            endpoint.url("chat/completions"),
            json=body,
            headers=endpoint.headers,
            timeout=httpx.Timeout(timeout_seconds, connect=CONNECT_SECONDS),
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _no_connection(endpoint, error) from error
    return _read_answer(endpoint, response, latency_ms=1000 * (time.perf_counter() - started))


def check_connection(endpoint: TeacherEndpoint, *, tries: int = 1) -> str | None:
    """Try the address, the key and the model with one very short request.

    `tries` is how often an overloaded or failing teacher is asked before that counts as its answer.

    Returns:
        None if the teacher answers, otherwise one sentence that says what is wrong.
    """
    for left in reversed(range(tries)):
        error = _try_connection(endpoint)
        if error is None:
            return None
        if not (left and error.status):
            break
    return str(error)


def _try_connection(endpoint: TeacherEndpoint) -> TeacherError | None:
    try:
        with httpx.Client(timeout=TEST_TIMEOUT) as client:
            _check_models(client, endpoint)
            _check_completion(client, endpoint)
    except TeacherError as error:
        return error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return _no_connection(endpoint, error)
    return None


def check_tools(endpoint: TeacherEndpoint) -> str | None:
    """Ask a teacher that answers to call a function.

    Returns:
        None if it does, otherwise one sentence that says what it did instead.
    """
    body = {
        "model": endpoint.model,
        "messages": [{"role": "user", "content": "Call the function ping."}],
        "tools": [PING],
    }
    try:
        with httpx.Client(timeout=TEST_TIMEOUT) as client:
            response = client.post(endpoint.url("chat/completions"), json=body, headers=endpoint.headers)
        answer = _read_answer(endpoint, response, latency_ms=0.0)
    except TeacherError as error:
        return f"It refuses a request with tools, which every request of ODIA has: {error}"
    except httpx.HTTPError as error:
        return f"It did not answer a request with tools: {_no_connection(endpoint, error)}"
    if answer.call is None:
        return (
            f"Asked to call a function, {endpoint.model} answered with text; see that it is a model that takes tools."
        )
    return None


def _check_models(client: httpx.Client, endpoint: TeacherEndpoint) -> None:
    """Many compatible servers have no list of models, or not all of them in it: only a refused key counts."""
    response = client.get(endpoint.url("models"), headers=endpoint.headers)
    if response.status_code in (401, 403):
        raise _refusal(endpoint, response)


def _check_completion(client: httpx.Client, endpoint: TeacherEndpoint) -> None:
    body = {"model": endpoint.model, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}
    response = client.post(endpoint.url("chat/completions"), json=body, headers=endpoint.headers)
    if response.status_code == 400 and "max_completion_tokens" in response.text:
        del body["max_tokens"]
        body["max_completion_tokens"] = 16
        response = client.post(endpoint.url("chat/completions"), json=body, headers=endpoint.headers)
    _read_answer(endpoint, response, latency_ms=0.0)


def _read_answer(endpoint: TeacherEndpoint, response: httpx.Response, *, latency_ms: float) -> TeacherAnswer:
    if response.status_code != httpx.codes.OK:
        raise _refusal(endpoint, response)
    body = _json(response)
    try:
        answer = parse_completion(body)
    except CompletionError as error:
        raise UnreadableAnswer(f"The teacher's answer cannot be read: {error}") from error
    usage = body.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    return TeacherAnswer(
        answer.call,
        answer.text,
        answer.several_calls,
        latency_ms,
        _count(counts.get("prompt_tokens")),
        _count(counts.get("completion_tokens")),
    )


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except (ValueError, RecursionError) as error:
        sentence = f"{response.url} does not answer in JSON; is it the base URL of an OpenAI-compatible API?"
        raise TeacherError(sentence, retryable=True, billed=True) from error


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS else None


def _no_connection(endpoint: TeacherEndpoint, error: Exception) -> TeacherError:
    if isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout):
        return TeacherError(f"The teacher at {endpoint.base_url} did not answer in time.", retryable=True, billed=True)
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
        return TeacherError(f"{endpoint.base_url!r} is not a base URL.", retryable=False)
    if isinstance(error, httpx.ReadError | httpx.WriteError | httpx.RemoteProtocolError):
        sentence = f"The teacher at {endpoint.base_url} broke the connection off before it had answered."
        return TeacherError(sentence, retryable=True, billed=True)
    return TeacherError(
        f"The teacher at {endpoint.base_url} cannot be reached; check the address and that it runs.", retryable=True
    )


def _refusal(endpoint: TeacherEndpoint, response: httpx.Response) -> TeacherError:
    status, remark = response.status_code, _remark(response)
    if status in (401, 403):
        return TeacherError(f"The teacher refuses the key (status {status}){remark}", retryable=False, status=status)
    if status == 404 and _names_model(response):
        return TeacherError(f"The teacher does not know the model {endpoint.model!r}{remark}", retryable=False)
    if status == 404 or response.is_redirect:
        return TeacherError(f"{response.url} is not a chat completions API (status {status}).", retryable=False)
    if status == 429:
        sentence = f"The teacher allows no more requests for now (status 429){remark}"
        return TeacherError(sentence, retryable=True, retry_after=seconds_of(response), status=status)
    sentence = f"The teacher answered with status {status}{remark}"
    if status in REFUSED_STATUSES:
        return RequestRefused(sentence)
    retryable = status in RETRYABLE_STATUSES or (status >= 500 and status not in NEVER_STATUSES)
    return TeacherError(sentence, retryable=retryable, retry_after=seconds_of(response), status=status)


def _names_model(response: httpx.Response) -> bool:
    """Whether a 404 is about the model; a wrong path says nothing of models."""
    return "model" in response.text


def _remark(response: httpx.Response) -> str:
    """The teacher's own words about an error, cut short, as the end of a sentence."""
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return "."
    error = body.get("error") if isinstance(body, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    return f": {' '.join(message.split())[:LONGEST_REMARK]}" if isinstance(message, str) else "."
