from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.ml.calls import Call, ComparisonRules, canonical_call, same_call
from curation.ml.tools import parse_tools

SCALARS = st.one_of(st.text(max_size=6), st.integers(-5, 5), st.floats(allow_nan=False), st.booleans(), st.none())
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=5,
)
CALLS = st.builds(Call, st.sampled_from("fg"), st.dictionaries(st.sampled_from("abc"), VALUES))
MAYBE_CALLS = st.one_of(st.none(), CALLS)

TOOLS = parse_tools(
    [
        {
            "type": "function",
            "function": {
                "name": "f",
                "parameters": {
                    "type": "object",
                    "properties": {"n": {"type": "integer"}, "ns": {"type": "array"}, "s": {"type": "string"}},
                },
            },
        }
    ]
)


@given(MAYBE_CALLS, MAYBE_CALLS, MAYBE_CALLS)
def test_being_the_same_is_an_equivalence(first: Call | None, second: Call | None, third: Call | None) -> None:
    assert same_call(first, first)
    assert same_call(first, second) == same_call(second, first)
    if same_call(first, second) and same_call(second, third):
        assert same_call(first, third)
    if same_call(first, second):
        assert hash(canonical_call(first)) == hash(canonical_call(second))


@given(CALLS, st.randoms())
def test_order_case_and_white_space_do_not_count(call: Call, rng: random.Random) -> None:
    names = list(call.arguments)
    rng.shuffle(names)
    assert same_call(call, Call(call.name, {name: _disturbed(call.arguments[name], rng) for name in names}))


def _disturbed(value: Any, rng: random.Random) -> Any:
    if isinstance(value, str):
        return f"  {value.replace(' ', '   ')}\n"
    if isinstance(value, list):
        return rng.sample([_disturbed(item, rng) for item in value], len(value))
    return value


@given(CALLS)
def test_another_function_or_set_of_parameters_is_another_call(call: Call) -> None:
    assert not same_call(call, Call(call.name + "x", call.arguments))
    assert not same_call(call, Call(call.name, {**call.arguments, "other": None}))
    assert not same_call(call, None)


def test_letter_case_does_not_count() -> None:
    assert same_call(Call("f", {"s": "STRASSE"}), Call("f", {"s": "straße"}))


@pytest.mark.parametrize("written", [5, 5.0, "5", " 5.0 "])
def test_numbers_are_the_same_however_written_where_the_schema_says_number(written: object) -> None:
    assert same_call(Call("f", {"n": 5}), Call("f", {"n": written}), TOOLS)


def test_text_that_looks_like_a_number_stays_text_elsewhere() -> None:
    assert not same_call(Call("f", {"s": "5"}), Call("f", {"s": "5.0"}), TOOLS)
    assert not same_call(Call("f", {"n": "five"}), Call("f", {"n": 5}), TOOLS)


def test_true_is_not_one_and_a_list_is_not_its_item() -> None:
    assert not same_call(Call("f", {"n": True}), Call("f", {"n": 1}), TOOLS)
    assert not same_call(Call("f", {"s": ["x"]}), Call("f", {"s": "x"}))
    assert not same_call(Call("f", {"s": ["x", "x"]}), Call("f", {"s": ["x"]}))


def test_ignored_parameters_do_not_count_and_exact_ones_count_to_the_letter() -> None:
    rules = ComparisonRules(ignored=frozenset({("f", "n")}), exact=frozenset({("f", "s")}))
    assert same_call(Call("f", {"n": 1, "s": "A"}), Call("f", {"s": "A"}), rules=rules)
    assert not same_call(Call("f", {"s": "A"}), Call("f", {"s": "a"}), rules=rules)
    assert not same_call(Call("g", {"n": 1}), Call("g", {}), rules=rules)


def test_what_is_not_json_is_told() -> None:
    with pytest.raises(TypeError, match="set is not a JSON value"):
        canonical_call(Call("f", {"a": {1}}))
