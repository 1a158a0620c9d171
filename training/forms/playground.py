"""What is tried in the playground."""

from __future__ import annotations

from django import forms


class UtteranceForm(forms.Form):
    """What is tried in the playground."""

    text = forms.CharField(
        label="Utterance", max_length=2000, widget=forms.TextInput(attrs={"autocomplete": "off", "data-key": "/"})
    )
    user = forms.CharField(
        label="User, for the canary",
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
