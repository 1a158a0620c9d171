"""The form of the autopilot's settings."""

from __future__ import annotations

from typing import Any

from django import forms

from training.models import Autopilot
from training.models.autopilot import AutopilotStep


class AutopilotForm(forms.ModelForm):
    """On or off, the steps that are left to people, and the thresholds. What differs is set by `autopilot_change`."""

    left_to_people = forms.MultipleChoiceField(
        label="Left to people",
        required=False,
        choices=AutopilotStep,
        widget=forms.CheckboxSelectMultiple,
        help_text="There it stops and asks. When a person has done it, it goes on.",
    )

    class Meta:
        model = Autopilot
        fields = [
            "enabled",
            "left_to_people",
            "label_limit",
            "cluster_after",
            "quiet_minutes",
            "distil_after",
            "first_canary",
            "trial_answers",
        ]

    def clean_first_canary(self) -> float:
        share: float = self.cleaned_data["first_canary"]
        if share == 0:
            raise forms.ValidationError(
                "More than 0, or the student meets nobody. To try none, leave the step to people."
            )
        return share

    def changes(self) -> dict[str, Any]:
        """What was filled in."""
        return {name: self.cleaned_data[name] for name in self.Meta.fields}
