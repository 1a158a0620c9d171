from __future__ import annotations

from typing import Any

import pytest

from curation.forms.correction import CorrectionForm
from curation.ml.calls import Call
from curation.ml.tools import ToolSet, parse_tools

PARAMETERS = {
    "name": {"type": "string", "description": "Who."},
    "note": {"type": ["string", "null"]},
    "level": {"type": "integer", "minimum": 1, "maximum": 10},
    "share": {"type": "number"},
    "mood": {"type": ["string", "null"], "enum": ["calm", "happy", None]},
    "day": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
    "size": {"type": ["string", "integer"]},
    "place": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def tools(required: tuple[str, ...] = ()) -> ToolSet:
    schema = {"type": "object", "properties": PARAMETERS, "required": list(required)}
    return parse_tools([{"type": "function", "function": {"name": "set", "parameters": schema}}])


def filled(given: dict[str, str], *required: str, call: Call | None = None) -> CorrectionForm:
    data = {"correct": "set", **{f"argument_{name}": value for name, value in given.items()}}
    return CorrectionForm(tools(required), "set", call, data)


@pytest.mark.parametrize(
    ("given", "arguments"),
    [
        ({}, {}),
        ({"name": "Ann", "level": "3", "share": "0.5"}, {"name": "Ann", "level": 3, "share": 0.5}),
        ({"mood": '"calm"'}, {"mood": "calm"}),
        ({"day": "next week"}, {"day": "next week"}),
        ({"day": '["today", "tomorrow"]'}, {"day": ["today", "tomorrow"]}),
        ({"day": "5"}, {"day": "5"}),
        ({"size": "5"}, {"size": 5}),
        ({"size": "large"}, {"size": "large"}),
        ({"size": '"5"'}, {"size": "5"}),
        ({"place": '{"city": "Rome"}'}, {"place": {"city": "Rome"}}),
    ],
)
def test_fields_become_arguments_of_their_types(given: dict[str, str], arguments: dict[str, Any]) -> None:
    form = filled(given)
    assert form.is_valid(), form.errors
    assert form.call() == Call("set", arguments)


@pytest.mark.parametrize(
    ("given", "field", "sentence"),
    [
        ({"level": "0"}, "level", "greater than or equal to 1"),
        ({"level": "2.5"}, "level", "Write a whole number."),
        ({"share": "much"}, "share", "Write a number."),
        ({"mood": '"sad"'}, "mood", "not one of the values"),
        ({"day": '["today"'}, "day", "This is no JSON"),
        ({"day": "[1]"}, "day", "not valid"),
        ({"place": "Rome"}, "place", "This is no JSON"),
        ({"place": "{}"}, "place", "'city' is a required property"),
        ({"place": '{"city": 5}'}, "place", "city: 5 is not of type 'string'"),
    ],
)
def test_what_does_not_fit_the_schema_is_said_at_its_field(given: dict[str, str], field: str, sentence: str) -> None:
    assert sentence in " ".join(map(str, filled(given).errors[f"argument_{field}"]))


def test_a_required_parameter_must_be_given_unless_it_may_be_null() -> None:
    form = filled({}, "name", "note")
    assert list(form.errors) == ["argument_name"]
    form = filled({"name": "Ann"}, "name", "note")
    assert form.is_valid()
    assert form.call() == Call("set", {"name": "Ann", "note": None})


def test_a_null_that_was_given_is_kept_and_one_that_was_not_is_not_made_up() -> None:
    before = Call("set", {"mood": None})
    form = filled({}, call=before)
    assert form.is_valid()
    assert form.call() == before


def test_the_fields_hold_the_call_as_it_is() -> None:
    arguments = {"name": "Ann", "level": 3, "mood": "calm", "day": ["today"], "size": "5", "place": {"city": "Rome"}}
    form = CorrectionForm(tools(), "set", Call("set", arguments))
    sent = {bound.html_name: bound.value() for bound in form if bound.value() is not None}
    again = CorrectionForm(tools(), "set", Call("set", arguments), sent)
    assert again.is_valid(), again.errors
    assert again.call() == Call("set", arguments | {"size": 5})
    assert "null" not in "".join(str(bound) for bound in form if bound.name == "argument_note")


def test_no_call_asks_for_nothing() -> None:
    form = CorrectionForm(tools(("name",)), "", None, {"correct": ""})
    assert form.is_valid()
    assert form.call() is None
