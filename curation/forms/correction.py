"""The form that corrects a call, made from the tool's schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from jsonschema.exceptions import ValidationError
from referencing.exceptions import Unresolvable

from curation.ml.calls import Call
from curation.ml.tools import Function, Parameter, ToolSet

LONGEST_LINE = 80


class CorrectionForm(forms.Form):
    """The call that should have been made, with a field for each parameter of its function."""

    correct = forms.ChoiceField(required=False, label="Function")

    def __init__(self, tools: ToolSet, function: str, call: Call | None, data: Any = None) -> None:
        """`function` is the one whose parameters are asked for; empty: no call."""
        super().__init__(data, initial={"correct": function}, auto_id="correction_%s")
        choice = self.fields["correct"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [("", "no call"), *((name, name) for name in tools.functions)]
        choice.error_messages["invalid_choice"] = "The tool set has no function “%(value)s”."
        self.function = tools.functions.get(function)
        self.parameters = list(self.function.parameters.values()) if self.function else []
        self.given = call.arguments if call and call.name == function else {}
        for parameter in self.parameters:
            assert self.function
            self.fields[_field_name(parameter)] = _field(parameter, self.function, self.given)

    def clean(self) -> dict[str, Any]:
        """What the schema forbids is said at the field that it is about."""
        values = super().clean() or {}
        if self.function and not self.errors:
            for error in _problems(self.function, self._arguments(values)):
                self._add_problem(error)
        return values

    def call(self) -> Call | None:
        """The call that was filled in; empty fields are parameters that are left out."""
        function = self.cleaned_data["correct"]
        return Call(function, self._arguments(self.cleaned_data)) if function else None

    def _arguments(self, values: Mapping[str, Any]) -> dict[str, Any]:
        given = {one: None if values[_field_name(one)] == "" else values[_field_name(one)] for one in self.parameters}
        return {one.name: value for one, value in given.items() if value is not None or self._is_null(one)}

    def _is_null(self, parameter: Parameter) -> bool:
        """Whether its empty field means null: where it must be given, or was given as null before."""
        was_null = parameter.name in self.given and self.given[parameter.name] is None
        return "null" in parameter.types and (parameter.required or was_null)

    def _add_problem(self, error: ValidationError) -> None:
        where = [str(part) for part in error.absolute_path]
        field = f"argument_{where[0]}" if where else ""
        inside = f"{'.'.join(where[1:])}: " if len(where) > 1 else ""
        self.add_error(field if field in self.fields else None, f"{inside}{error.message}")


def _problems(function: Function, arguments: dict[str, Any]) -> list[ValidationError]:
    try:
        return list(function.validator.iter_errors(arguments))
    except Unresolvable:
        return []  # the service that writes the correction says so


def _field_name(parameter: Parameter) -> str:
    return f"argument_{parameter.name}"


def _field(parameter: Parameter, function: Function, given: Mapping[str, Any]) -> forms.Field:
    """A field that fits the parameter's schema; lists, objects and mixed types are written as JSON."""
    spec = function.schema.get("properties", {}).get(parameter.name)
    described = spec if isinstance(spec, dict) else {}
    kinds = parameter.types - {"null"}
    is_nullable = "null" in parameter.types
    common: dict[str, Any] = {
        "label": parameter.name,
        "required": parameter.required and not is_nullable,
        "initial": given.get(parameter.name),
        "help_text": _help(described, parameter, is_nullable),
    }
    options = (True, False) if kinds == {"boolean"} else () if parameter.accepts_list else parameter.enum
    if options:
        return _choice(parameter, options, given, common)
    if kinds == {"integer"} or kinds == {"number"}:
        return _number(kinds == {"integer"}, described, common)
    if kinds == {"string"}:
        is_long = "\n" in str(common["initial"]) or len(str(common["initial"])) > LONGEST_LINE
        widget = forms.Textarea({"rows": 3}) if is_long else forms.TextInput
        return forms.CharField(max_length=2000, widget=widget, **common)
    return JsonField(kinds, **common)


def _choice(
    parameter: Parameter, options: tuple[Any, ...], given: Mapping[str, Any], common: dict[str, Any]
) -> forms.Field:
    values = [option for option in options if option is not None]
    common["initial"] = json.dumps(given[parameter.name]) if parameter.name in given else ""
    choices = [("", "–"), *((json.dumps(value), str(value)) for value in values)]
    field = forms.TypedChoiceField(choices=choices, coerce=json.loads, empty_value=None, **common)
    field.error_messages["invalid_choice"] = "This is not one of the values that the schema lists."
    return field


def _number(is_whole: bool, spec: Mapping[str, Any], common: dict[str, Any]) -> forms.Field:
    kind = forms.IntegerField if is_whole else forms.FloatField
    field = kind(min_value=_limit(spec, "minimum"), max_value=_limit(spec, "maximum"), **common)
    field.error_messages["invalid"] = "Write a whole number." if is_whole else "Write a number."
    if not is_whole:
        field.widget.attrs["step"] = "any"
    return field


def _limit(spec: Mapping[str, Any], name: str) -> Any:
    value = spec.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


class JsonField(forms.CharField):
    """A list, an object or a mixed type as JSON; where text is allowed, what is no list or object is text."""

    widget = forms.Textarea

    def __init__(self, kinds: frozenset[str], **options: Any) -> None:
        self.kinds = kinds
        example = (
            '["first", "second"]' if "array" in kinds else '{"key": "value"}' if "object" in kinds else '"text" or 5'
        )
        options["help_text"] = f"{options['help_text']} {self._way(example)}".strip()
        super().__init__(widget=forms.Textarea({"rows": 2, "class": "mono"}), max_length=20_000, **options)
        self.error_messages["invalid"] = f"This is no JSON: write it like {example}, text in double quotes."

    def _way(self, example: str) -> str:
        return f"A text, or JSON like {example}." if "string" in self.kinds else f"Written as JSON, like {example}."

    def prepare_value(self, value: Any) -> Any:
        return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            found = json.loads(text)
        except ValueError as error:
            if "string" in self.kinds and text[0] not in "[{":
                return text
            raise forms.ValidationError(self.error_messages["invalid"]) from error
        is_plain = "string" in self.kinds and not isinstance(found, list | dict | str) and not self._takes(found)
        return text if is_plain else found

    def _takes(self, value: Any) -> bool:
        """Whether the schema allows a number, or true and false, beside text."""
        allowed = {"boolean"} if isinstance(value, bool) else {"number", "integer"}
        return value is not None and bool(self.kinds & allowed)

    def run_validators(self, value: Any) -> None:
        """The length of the text is all that is checked, and what is no text has none."""
        if isinstance(value, str):
            super().run_validators(value)


def _help(spec: Mapping[str, Any], parameter: Parameter, is_nullable: bool) -> str:
    words = [str(spec["description"])[:200]] if spec.get("description") else []
    low, high = _limit(spec, "minimum"), _limit(spec, "maximum")
    if low is not None or high is not None:
        words.append(f"{'' if low is None else f'From {low} '}{'' if high is None else f'up to {high}'}".strip() + ".")
    if is_nullable and parameter.required:
        words.append("Empty: null.")
    elif not parameter.required:
        words.append("May stay empty.")
    return " ".join(words)
