"""Forms of an application's settings: itself and its teacher."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from curation.models import Application, Teacher
from curation.teachers.addresses import AddressError, check_base_url
from curation.teachers.secrets import SecretError, check_variable


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
        fields = ["name", "description", "ignored_parameters", "exact_parameters", "members"]
        widgets = {"description": forms.Textarea({"rows": 3}), "members": forms.CheckboxSelectMultiple}


class TeacherForm(forms.ModelForm):
    """The large model of an application."""

    base_url = forms.CharField(label="Base URL", max_length=500, help_text="As a rule it ends in /v1.")

    class Meta:
        model = Teacher
        fields = [
            "base_url",
            "model",
            "api_key_env",
            "timeout_seconds",
            "input_price",
            "output_price",
            "concurrency",
            "requests_per_minute",
            "monthly_tokens",
            "monthly_money",
        ]

    def clean_base_url(self) -> str:
        url = self.cleaned_data["base_url"].rstrip("/")
        try:
            check_base_url(url)
        except AddressError as error:
            raise ValidationError(str(error)) from error
        return url

    def clean(self) -> dict[str, Any]:
        """What a teacher has said of waiting holds for its address."""
        if "base_url" in self.changed_data:
            self.instance.free_at = None
        return self.cleaned_data

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


class RetentionForm(forms.ModelForm):
    """How long queries are kept."""

    class Meta:
        model = Application
        fields = ["keep_days", "mask_personal"]


class NewApplicationForm(forms.ModelForm):
    """A new application and who may look at it."""

    class Meta:
        model = Application
        fields = ["name", "slug", "description", "members"]
        labels = {"slug": "Short name"}
        help_texts = {"slug": "Letters, digits, hyphens and underscores; commands know it by this."}
        widgets = {"description": forms.Textarea({"rows": 3}), "members": forms.CheckboxSelectMultiple}
