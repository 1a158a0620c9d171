"""What must hold of decoding: whatever the network says, a call obeys its schema, and what was written is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.ml.calls import Call, same_call
from curation.ml.tools import parse_tools
from training.students.causal.decoding import FEATURES, Decoder
from training.students.causal.template import Template
from training.students.causal.text import TextCodec
from training.students.causal.vocabulary import ANOTHER, COMPLEX, MARKS, NO_CALL, new_tokens

QUERY = "please book a table for 4 at Blur"
PROPERTIES: dict[str, Any] = {
    "name": {"type": "string"},
    "kind": {"type": "string", "enum": ["bar", "bar and grill", "café"]},
    "size": {"type": "integer"},
    "price": {"type": "number"},
    "outside": {"type": "boolean"},
    "guests": {"type": "array", "items": {"type": "string"}},
    "days": {
        "anyOf": [{"type": "string", "enum": ["mon", "tue"]}, {"type": "array", "items": {"enum": ["mon", "tue"]}}]
    },
    "note": {"type": ["string", "null"]},
    "floor": {"type": "integer", "minimum": 0, "maximum": 9},
    "place": {"type": "object", "properties": {"city": {"type": "string"}}},
}
TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object", **parameters}}}
    for name, parameters in (
        ("book", {"properties": PROPERTIES, "required": ["kind", "note"], "additionalProperties": False}),
        ("stop", {"properties": {}}),
        ("rate", {"properties": {"stars": {"type": "integer", "enum": [1, 2, 10]}}, "required": ["stars"]}),
    )
]
ARGUMENTS = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["bar", "bar and grill", "café"]),
        "note": st.sampled_from([None, "quiet", "by the door"]),
    },
    optional={
        "name": st.sampled_from(["Blur", "Nina Simone", "{x}", "7:30 pm"]),
        "size": st.integers(-50, 20_000),
        "price": st.decimals(0, 1000, places=2).map(float),
        "outside": st.booleans(),
        "guests": st.lists(st.sampled_from(["Air", "Can", "Low"]), min_size=1, max_size=3),
        "days": st.sampled_from(["mon", ["mon", "tue"]]),
        "floor": st.integers(0, 9),
        "place": st.just({"city": "Ulm"}),
    },
)


@pytest.fixture(scope="module")
def template(codec: TextCodec) -> Template:
    tools = parse_tools(TOOLS)
    return Template(tools, new_tokens(600, list(tools.functions), tools), codec)


class _Chance:
    """A network that knows nothing, though it likes to come to an end."""

    def __init__(self, template: Template, seed: int) -> None:
        self._size = template.tokens.base + len(template.tokens)
        self._new = template.tokens.base
        self._random = np.random.default_rng(seed)

    def open(self) -> _Chance:
        return self

    def logits_after(self, tokens: Sequence[int], guess: Sequence[int]) -> np.ndarray:
        logits = self._random.normal(size=self._size)
        logits[self._new :] += self._random.choice([0.0, 4.0])
        return logits


class _Oracle:
    """A network that has one answer in mind, and notes how often it is asked."""

    def __init__(self, template: Template, answer: list[int]) -> None:
        self._size = template.tokens.base + len(template.tokens)
        self._answer = answer
        self._read: list[int] = []
        self.asked = 0

    def open(self) -> _Oracle:
        return self

    def logits_after(self, tokens: Sequence[int], guess: Sequence[int]) -> np.ndarray:
        self._read += tokens if self.asked else []
        self.asked += 1
        assert self._read == self._answer[: len(self._read)]
        logits = np.zeros(self._size)
        logits[self._answer[len(self._read)]] = 9.0
        return logits


def _decoder(template: Template, network: Any) -> Decoder:
    return Decoder(template, network, max_tokens=96, max_value_tokens=200)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_no_network_brings_about_a_call_against_the_schema(template: Template, seed: int) -> None:
    decoder = _decoder(template, _Chance(template, seed))
    decoded = [decoder(QUERY) for _ in range(40)]
    calls = [item.call for item in decoded if item.call]
    assert calls
    for call in calls:
        assert template.tools.problem_with(call.name, call.arguments) is None
    for item in decoded:
        assert (item.call is None) == bool(item.reason) == (item.features is None)
        assert item.features is None or (item.features.shape == (len(FEATURES),) and np.isfinite(item.features).all())


def test_a_network_that_never_ends_is_stopped(template: Template) -> None:
    class Endless(_Chance):
        asked = 0

        def logits_after(self, tokens: Sequence[int], guess: Sequence[int]) -> np.ndarray:
            self.asked += 1
            logits = super().logits_after(tokens, guess)
            logits[[template.tokens.mark(ANOTHER), template.tokens.parameter["guests"]]] += 50.0
            logits[template.tokens.function["book"]] += 50.0
            logits[template.codec.encode("Blur")[0]] += 40.0
            return logits

    network = Endless(template, 0)
    assert _decoder(template, network)(QUERY).reason == "the values are too long"
    assert 150 < network.asked < 250


@settings(max_examples=60, deadline=None)
@given(ARGUMENTS)
def test_what_was_written_is_read(template: Template, arguments: dict[str, Any]) -> None:
    call = Call("book", arguments)
    steps = template.written(call)
    assert steps is not None
    network = _Oracle(template, [step.token for step in steps])
    decoded = _decoder(template, network)(QUERY)
    assert same_call(decoded.call, call, template.tools), decoded
    assert network.asked < len(steps), "what the template leaves no choice about is not asked"


@pytest.mark.parametrize(
    "call",
    [
        Call("dance", {}),
        Call("book", {"kind": "pub", "note": None}),
        Call("book", {"kind": "bar"}),
        Call("book", {"kind": "bar", "note": None, "smoking": True}),
        Call("book", {"kind": "bar", "note": None, "size": "many"}),
        Call("book", {"kind": "bar", "note": ""}),
        Call("stop", {"now": True}),
    ],
    ids=["function", "enumeration", "required", "unknown", "number", "empty", "none"],
)
def test_what_the_schema_forbids_cannot_be_written(template: Template, call: Call) -> None:
    assert template.written(call) is None


def test_refusals_have_their_reasons(template: Template) -> None:
    for mark, reason in ((COMPLEX, "the query is not simple"), (NO_CALL, "the query asks for no call")):
        decoded = _decoder(template, _Oracle(template, [template.tokens.mark(mark)]))(QUERY)
        assert (decoded.call, decoded.reason) == (None, reason)


def test_no_query_can_spell_a_new_token(template: Template) -> None:
    spelled = template.codec.encode("book <book> <s> </s> {kind} <|end|>")
    assert spelled and max(spelled) < template.tokens.base
    assert not set(spelled) & {template.codec.start}


def test_each_name_is_one_token_that_starts_from_its_words(template: Template) -> None:
    tokens = template.tokens
    ids = [tokens.mark(mark) for mark in range(len(MARKS))]
    ids += [*tokens.function.values(), *tokens.parameter.values()]
    assert ids == list(range(600, 600 + len(tokens)))
    assert tokens.texts(template.tools)[len(MARKS)] == "book"
