"""Forms of the curation pages."""

from __future__ import annotations

import json
import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from curation.ml.calls import Call
from curation.ml.tools import Parameter, ToolSet
from curation.models import Application, Teacher
from curation.models.clusters import ClusterStatus
from curation.models.traffic import Route, Source
from curation.selectors.traffic import NO_CALL, TrafficFilter
from curation.teachers.addresses import AddressError, check_base_url
from curation.teachers.secrets import SecretError, check_variable

ANY = ("", "any")
YES_OR_NO = [ANY, ("yes", "yes"), ("no", "no")]


def _date_field(label: str) -> forms.DateField:
    return forms.DateField(label=label, required=False, widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"))


class TrafficFilterForm(forms.Form):
    """The filter of the traffic page, from its address."""

    q = forms.CharField(
        label="Search",
        required=False,
        max_length=200,
        widget=forms.TextInput({"type": "search", "placeholder": "words in the query", "data-key": "/"}),
    )
    function = forms.ChoiceField(label="Function", required=False)
    route = forms.ChoiceField(label="Route", required=False, choices=[ANY, *Route.choices])
    source = forms.ChoiceField(label="Source", required=False, choices=[ANY, *Source.choices])
    agrees = forms.ChoiceField(label="Student agrees", required=False, choices=YES_OR_NO)
    labelled = forms.ChoiceField(label="Labelled", required=False, choices=YES_OR_NO)
    excluded = forms.ChoiceField(label="Excluded", required=False, choices=YES_OR_NO)
    since = _date_field("From")
    until = _date_field("Until")
    cluster = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput)

    def __init__(self, data: Any, functions: list[str]) -> None:
        super().__init__(data, auto_id="filter_%s")
        choice = self.fields["function"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [ANY, (NO_CALL, "no call"), *((name, name) for name in functions)]

    def clean_q(self) -> str:
        return self.cleaned_data["q"].replace("\0", "")

    def wanted(self) -> TrafficFilter:
        """The filter; a value that does not fit its field narrows nothing."""
        self.is_valid()
        flags = {"yes": True, "no": False}
        values: dict[str, Any] = {
            name: flags.get(value) if name in ("agrees", "labelled", "excluded") else value
            for name, value in self.cleaned_data.items()
        }
        return TrafficFilter(**values)


class ClusterFilterForm(forms.Form):
    """The filter of the list of clusters."""

    status = forms.ChoiceField(required=False, choices=[ANY, *ClusterStatus.choices])
    function = forms.CharField(required=False, max_length=200)

    def wanted(self) -> dict[str, str]:
        self.is_valid()
        return {"status": self.cleaned_data.get("status", ""), "function": self.cleaned_data.get("function", "")}


class LinesField(forms.CharField):
    """A list of texts, one to a line."""

    widget = forms.Textarea(attrs={"rows": 3, "class": "mono"})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        return [line.strip() for line in (super().to_python(value) or "").splitlines() if line.strip()]


def _are_parameters(names: list[str]) -> None:
    for name in names:
        if not re.fullmatch(r"[^\s.]+\.\S+", name):
            raise ValidationError(f"“{name}” is not a parameter: write function.parameter, one to a line.")


class ApplicationForm(forms.ModelForm):
    """What an application is called, and how its calls are compared."""

    ignored_parameters = LinesField(
        required=False,
        validators=[_are_parameters],
        help_text="Do not count in a comparison: function.parameter, one to a line.",
    )
    exact_parameters = LinesField(
        required=False,
        validators=[_are_parameters],
        help_text="Compared character by character: function.parameter, one to a line.",
    )

    class Meta:
        model = Application
        fields = ["name", "description", "ignored_parameters", "exact_parameters"]
        widgets = {"description": forms.Textarea({"rows": 3})}


class TeacherForm(forms.ModelForm):
    """The large model of an application."""

    base_url = forms.CharField(label="Base URL", max_length=500, help_text="As a rule it ends in /v1.")

    class Meta:
        model = Teacher
        fields = ["base_url", "model", "api_key_env", "timeout_seconds", "input_price", "output_price"]

    def clean_base_url(self) -> str:
        url = self.cleaned_data["base_url"].rstrip("/")
        try:
            check_base_url(url)
        except AddressError as error:
            raise ValidationError(str(error)) from error
        return url

    def clean_api_key_env(self) -> str:
        """A teacher is sent this variable's value, so it must not be one of ODIA's own secrets."""
        name = self.cleaned_data["api_key_env"].strip()
        try:
            if name:
                check_variable(name)
        except SecretError as error:
            raise ValidationError(str(error)) from error
        return name

    def clean_timeout_seconds(self) -> float:
        seconds = self.cleaned_data["timeout_seconds"]
        if not 1 <= seconds <= 600:
            raise ValidationError("Between 1 and 600 seconds.")
        return float(seconds)


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
