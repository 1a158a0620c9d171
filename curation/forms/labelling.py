"""What the teacher shall be asked about."""

from __future__ import annotations

from typing import Any

from django import forms

from curation.models.labelling import MOST_QUERIES, Scope


class LabelForm(forms.Form):
    """Which queries, how many, and for consistency how often. Nothing has to be filled in."""

    scope = forms.ChoiceField(label="Ask about", choices=Scope, initial=Scope.UNANSWERED, required=False)
    limit = forms.IntegerField(
        label="Most queries",
        initial=2000,
        required=False,
        min_value=1,
        max_value=MOST_QUERIES,
        help_text="The newest ones.",
    )
    samples = forms.IntegerField(
        label="Answers for each query",
        initial=3,
        required=False,
        min_value=1,
        max_value=10,
        help_text="Only when answered queries are asked about again.",
    )
    temperature = forms.FloatField(
        label="Temperature",
        required=False,
        min_value=0,
        max_value=2,
        widget=forms.NumberInput({"step": "any"}),
        help_text="Only when asked again. Empty: the teacher’s own.",
    )
    cluster = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def wanted(self) -> dict[str, Any]:
        """What was chosen; where nothing was, what is usual."""
        self.is_valid()
        given = {name: self.cleaned_data.get(name) for name in self.fields}
        usual = {name: field.initial for name, field in self.fields.items()}
        chosen = {name: usual[name] if value in (None, "") else value for name, value in given.items()}
        return {**chosen, "scope": Scope(chosen["scope"])}
