"""The form that names a user whose queries shall go."""

from __future__ import annotations

from django import forms


class ForgetForm(forms.Form):
    """One user of an application, by the id that it sends."""

    user = forms.CharField(
        label="User id",
        max_length=200,
        help_text="As the application sends it, in safety_identifier or user.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
