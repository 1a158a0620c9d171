"""Requests as no sane client sends them: the JSON of OpenAI's chat completions, and beside it. For `fuzz`."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from tests.bench.stand import KEY
from tests.training.gateway.conftest import TOOLS

FIELD_NAMES = [
    "model", "messages", "tools", "tool_choice", "parallel_tool_calls", "n", "stream", "stream_options", "user",
    "safety_identifier", "temperature", "top_p", "max_tokens", "max_completion_tokens", "stop", "seed",
    "logit_bias", "logprobs", "response_format", "metadata", "store", "functions", "function_call",
    "modalities", "audio", "prediction", "reasoning_effort", "service_tier", "verbosity", "web_search_options",
]  # fmt: skip
TEXTS = ["play Sade", "maybe Adele", "break", "the usual", "hello", "", "\x00", "\u2028", "\U0001f600" * 9]


def weighted(*strategies: tuple[int, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """One of them, each as often as its weight says."""
    drawn = [strategy for weight, strategy in strategies for _ in range(weight)]
    return st.integers(0, len(drawn) - 1).flatmap(drawn.__getitem__)


# Half surrogates, NaN and infinity make a body no JSON at all: only now and then.
text = weighted(
    (20, st.sampled_from(TEXTS)),
    (20, st.text(max_size=40)),
    (1, st.text(st.characters(codec=None, exclude_categories=()), max_size=40)),
)
number = weighted(
    (10, st.integers()),
    (10, st.floats(allow_nan=False, allow_infinity=False)),
    (10, st.sampled_from([0, 1, -1, 2**31, 2**63, 2**64, 10**400, 1e308, -0.0])),
    (1, st.floats()),
)
scalar = st.none() | st.booleans() | number | text
value: st.SearchStrategy[Any] = st.recursive(
    scalar, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4), max_leaves=12
)


def mostly(good: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """What is meant in this place, or anything at all."""
    return weighted((15, good), (1, value))


def some_of(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


part = some_of(
    type=mostly(st.sampled_from(["text", "image_url", "input_audio", "file", "refusal"])),
    text=mostly(text),
    image_url=mostly(st.just({"url": "data:,"})),
)
tool_call = some_of(
    id=mostly(text),
    type=mostly(st.just("function")),
    function=mostly(
        some_of(name=mostly(st.just("play_music")), arguments=mostly(st.sampled_from(["{}", "{", '{"artist": 1}'])))
    ),
)
message = mostly(
    some_of(
        role=mostly(st.sampled_from(["user", "assistant", "system", "developer", "tool", "function"])),
        content=mostly(text | st.lists(mostly(part), max_size=3)),
        name=mostly(text),
        tool_calls=mostly(st.lists(mostly(tool_call), max_size=2)),
        tool_call_id=mostly(text),
    )
)
user_message = st.builds(lambda content: {"role": "user", "content": content}, mostly(text))
schema = mostly(
    st.sampled_from([one["function"]["parameters"] for one in TOOLS])
    | some_of(type=value, properties=value, required=value, enum=value, anyOf=value, pattern=value)
    | st.sampled_from([{"$ref": "#"}, {"$ref": "http://127.0.0.1:1/x"}, {"pattern": "("}, {"$ref": "#/$defs/none"}])
)
tool = mostly(
    some_of(
        type=mostly(st.sampled_from(["function", "custom"])),
        function=mostly(some_of(name=mostly(st.just("play_music")), description=mostly(text), parameters=schema)),
    )
)
tools = st.just(TOOLS) | st.lists(tool, max_size=4) | st.just(TOOLS + TOOLS)
tool_choice = st.sampled_from(["auto", "none", "required", "other"]) | some_of(
    type=mostly(st.sampled_from(["function", "allowed_tools", "custom"])),
    function=mostly(some_of(name=mostly(st.sampled_from(["play_music", "set_alarm", "nothing"])))),
    allowed_tools=value,
)
FIELDS = {
    "model": mostly(st.just("odia")),
    "messages": mostly(
        st.lists(message, max_size=4).flatmap(lambda said: user_message.map(lambda last: [*said, last]))
    ),
}
OPTIONAL = {
    "tools": mostly(tools),
    "tool_choice": mostly(tool_choice),
    "stream": mostly(st.booleans()),
    "stream_options": mostly(some_of(include_usage=mostly(st.booleans()))),
    "n": mostly(st.integers(-1, 3)),
    "user": mostly(text),
}
fields = st.fixed_dictionaries(FIELDS, optional=OPTIONAL)
plain = user_message.map(lambda said: {"model": "odia", "messages": [said], "tools": TOOLS})
extra = st.dictionaries(st.sampled_from(FIELD_NAMES) | text, value, max_size=3)
documents = weighted(
    (4, st.tuples(fields, extra).map(lambda both: both[1] | both[0])),
    (4, st.tuples(plain, extra).map(lambda both: both[0] | both[1])),
    (1, value),
)


def written(document: Any, ascii_only: bool) -> bytes:
    """As JSON, NaN and half surrogates included."""
    return json.dumps(document, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")


well_written = st.builds(written, documents, st.booleans())
nested = st.builds(
    lambda depth, pair, place: place % (pair[0] * depth + pair[1] * depth),
    st.sampled_from([5, 50, 900, 1100, 5000, 100_000]),
    st.sampled_from([(b"[", b"]"), (b'{"a":', b"}"), (b"[", b"")]),
    st.sampled_from([b"%b", b'{"model":"odia","messages":%b}', b'{"model":"odia","messages":[{"role":%b}]}'])
    | st.sampled_from([b'{"model":"odia","messages":[{"role":"user","content":"play x"}],"tools":%b}']),
)
cut = st.builds(lambda body, share: body[: int(len(body) * share)], well_written, st.floats(0, 1))
spoilt = st.builds(
    lambda body, share, byte: body[: int(len(body) * share)] + byte + body[int(len(body) * share) + 1 :],
    well_written,
    st.floats(0, 1),
    st.binary(min_size=1, max_size=3),
)
doubled = st.builds(
    lambda one, other: one[:-1] + b"," + other[1:],
    fields.map(lambda document: written(document, True)),
    fields.map(lambda document: written(document, True)),
)
bodies = weighted((20, well_written), (2, nested), (2, cut), (2, spoilt), (2, doubled), (1, st.binary(max_size=300)))

header_value = st.binary(max_size=60).map(lambda raw: raw.translate(None, b"\r\n\x00")) | st.just(b"x" * 5000)
header_names = (
    b"accept content-type content-encoding user-agent traceparent tracestate openai-organization x-odia-route cookie "
    b"x-stainless-retry-count idempotency-key x-request-id range te upgrade accept-encoding x forwarded \xc3\xa4 a:b"
).split()
headers = st.lists(st.tuples(st.sampled_from(header_names), header_value), max_size=4)
authorizations = weighted(
    (30, st.just(b"Bearer " + KEY.encode())),
    (1, st.sampled_from([b"", b"Bearer", b"Basic x", b"Bearer \xff\xfe"])),
)
targets = weighted(
    (30, st.just(b"POST /v1/chat/completions")),
    (1, st.sampled_from([b"POST /v1/chat/completions?a=%00", b"PUT /v1/chat/completions", b"GET /v1/models"])),
    (1, st.sampled_from([b"GET /v1/models/%ff%00", b"POST /v1/models", b"OPTIONS /v1/chat/completions", b"GET /"])),
    (1, st.sampled_from([b"POST //v1/chat/completions", b"DELETE /%2e%2e", b"GET /metrics", b"GET /readyz"])),
)


def assembled(
    target: bytes, authorization: bytes, more: list[tuple[bytes, bytes]], body: bytes, chunked: bool
) -> bytes:
    head = target + b" HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: " + authorization + b"\r\n"
    head += b"".join(name + b": " + content + b"\r\n" for name, content in more)
    if chunked:
        middle = len(body) // 2
        parts = [part for part in (body[:middle], body[middle:]) if part]
        written_parts = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in [*parts, b""])
        return head + b"transfer-encoding: chunked\r\n\r\n" + written_parts
    return head + b"content-length: %d\r\n\r\n" % len(body) + body


requests = st.builds(
    assembled,
    targets,
    authorizations,
    weighted((2, st.just([])), (1, headers)),
    bodies,
    weighted((9, st.just(False)), (1, st.just(True))),
)
