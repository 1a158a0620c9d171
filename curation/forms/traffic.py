"""The filter of the traffic page."""

from __future__ import annotations

from typing import Any

from django import forms

from curation.forms.choices import ANY
from curation.models.traffic import Route, Source
from curation.selectors.traffic import NO_CALL, TrafficFilter

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
