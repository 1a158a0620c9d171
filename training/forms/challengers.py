"""The trial of a challenger."""

from __future__ import annotations

from django import forms

from training.models import RoutingPolicy


class CanaryForm(forms.Form):
    """Whom the challenger answers, and whether it answers unseen. Percentages are of the users."""

    percent = forms.FloatField(
        label="Share of the users, in percent",
        min_value=0,
        max_value=100,
        widget=forms.NumberInput({"class": "short", "step": "any"}),
        help_text="The same users stay on its side; a request that names no user goes by its key.",
    )
    step = forms.IntegerField(required=False, min_value=0, max_value=100, widget=forms.HiddenInput)
    shadow = forms.BooleanField(
        required=False,
        label="Shadow the champion",
        help_text="Its answers are recorded beside the champion’s, and never sent.",
    )

    @classmethod
    def of(cls, policy: RoutingPolicy) -> CanaryForm:
        """The form as the policy stands."""
        return cls(initial={"percent": f"{policy.canary_share * 100:g}", "shadow": policy.shadow})

    @property
    def share(self) -> float:
        """0 to 1; a button with a step goes before the number."""
        step: int | None = self.cleaned_data["step"]
        return (self.cleaned_data["percent"] if step is None else step) / 100
