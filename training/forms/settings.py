"""Forms of an application's settings: its policy and its keys."""

from __future__ import annotations

from typing import Any

from django import forms

from curation.selectors.applications import function_names
from training.models import ApiKey, RoutingPolicy


class PolicyForm(forms.ModelForm):
    """What may be answered inline, and what the policy may decide alone."""

    switched_off = forms.MultipleChoiceField(
        label="Left to the teacher",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Functions that only the teacher answers.",
    )

    class Meta:
        model = RoutingPolicy
        fields = [
            "inline",
            "epsilon",
            "function_epsilon",
            "audit_share",
            "allow_context",
            "switched_off",
            "approve_simplicity",
            "approve_purity",
            "approve_queries",
            "second_approver",
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["switched_off"]
        assert isinstance(choice, forms.MultipleChoiceField)
        names = [*function_names(self.instance.application), *self.instance.switched_off]
        choice.choices = [(name, name) for name in dict.fromkeys(names)]


class KeyForm(forms.ModelForm):
    """A new API key."""

    class Meta:
        model = ApiKey
        fields = ["label", "requests_per_minute"]
        help_texts = {"label": "Who or what uses it."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["requests_per_minute"].widget.attrs["min"] = 1

    def clean_requests_per_minute(self) -> int | None:
        limit: int | None = self.cleaned_data["requests_per_minute"]
        if limit == 0:
            raise forms.ValidationError("At least 1, or nothing for no limit. To stop a key, revoke it.")
        return limit


class KeyLimitForm(KeyForm):
    """The limit of a key that exists."""

    class Meta(KeyForm.Meta):
        fields = ["requests_per_minute"]
