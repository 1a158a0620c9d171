"""The form that corrects a call, made from the tool's schema."""

from __future__ import annotations

import json
from typing import Any

from django import forms

from curation.ml.calls import Call
from curation.ml.tools import Parameter, ToolSet


class CorrectionForm(forms.Form):
    """The call that should have been made, with a field for each parameter of its function."""

    correct = forms.ChoiceField(required=False, label="Function")

    def __init__(self, tools: ToolSet, function: str, call: Call | None, data: Any = None) -> None:
        """`function` is the one whose parameters are asked for; empty: no call."""
        super().__init__(data, initial={"correct": function}, auto_id="correction_%s")
        choice = self.fields["correct"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [("", "no call"), *((name, name) for name in tools.functions)]
        known = tools.functions.get(function)
        self.parameters = list(known.parameters.values()) if known else []
        given = call.arguments if call and call.name == function else {}
        for parameter in self.parameters:
            self.fields[_field_name(parameter)] = _field(parameter, given.get(parameter.name))

    def call(self) -> Call | None:
        """The call that was filled in; empty fields are parameters that are left out."""
        function = self.cleaned_data["correct"]
        values = {one.name: self.cleaned_data[_field_name(one)] for one in self.parameters}
        given = {name: value for name, value in values.items() if value not in (None, "")}
        return Call(function, given) if function else None


def _field_name(parameter: Parameter) -> str:
    return f"argument_{parameter.name}"


def _field(parameter: Parameter, value: Any) -> forms.Field:
    """A field that fits the parameter's schema; lists, objects and mixed types are written as JSON."""
    common: dict[str, Any] = {"label": parameter.name, "required": parameter.required, "initial": value}
    kinds = parameter.types - {"null"}
    options = (True, False) if kinds == {"boolean"} else () if parameter.accepts_list else parameter.enum
    if options:
        choices = [("", "–"), *((json.dumps(option), str(option)) for option in options)]
        common["initial"] = json.dumps(value)
        return forms.TypedChoiceField(choices=choices, coerce=json.loads, empty_value=None, **common)
    if kinds == {"integer"}:
        return forms.IntegerField(**common)
    if kinds == {"number"}:
        return forms.FloatField(**common)
    if kinds == {"string"}:
        return forms.CharField(max_length=2000, **common)
    return forms.JSONField(widget=forms.TextInput, help_text="JSON", **common)
