"""The forms of the pages about clusters."""

from __future__ import annotations

from typing import Any

from django import forms

from curation.forms.choices import ANY
from curation.selectors.clusters import NO_CALL, STATUSES, ClusterFilter

MOST_PICKED = 500


class ClusterFilterForm(forms.Form):
    """The filter of the list of clusters, from its address. `pick` holds keys of patterns, with commas."""

    q = forms.CharField(
        label="Name",
        required=False,
        max_length=200,
        widget=forms.TextInput({"type": "search", "placeholder": "part of a pattern", "data-key": "/"}),
    )
    function = forms.ChoiceField(label="Function", required=False)
    simplicity = forms.FloatField(
        label="Simplicity, at least",
        required=False,
        min_value=0,
        max_value=100,
        widget=forms.NumberInput({"placeholder": "%", "class": "short"}),
    )
    traffic = forms.FloatField(
        label="Traffic, at least",
        required=False,
        min_value=0,
        max_value=100,
        widget=forms.NumberInput({"placeholder": "%", "class": "short", "step": "any"}),
    )
    status = forms.ChoiceField(required=False, choices=list(STATUSES.items()), widget=forms.HiddenInput)
    pick = forms.CharField(required=False, max_length=20_000, widget=forms.HiddenInput)

    def __init__(self, data: Any, functions: list[str]) -> None:
        super().__init__(data, auto_id="filter_%s")
        choice = self.fields["function"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [ANY, *((name, "no call" if name == NO_CALL else name) for name in functions)]

    def clean_q(self) -> str:
        return self.cleaned_data["q"].replace("\0", "")

    def clean_pick(self) -> tuple[int, ...]:
        return whole_numbers(self.cleaned_data["pick"].split(","))

    def wanted(self) -> ClusterFilter:
        """The filter; a value that does not fit its field narrows nothing."""
        self.is_valid()
        given: dict[str, Any] = {name: value for name, value in self.cleaned_data.items() if value}
        shares = {name: given[name] / 100 for name in ("simplicity", "traffic") if name in given}
        return ClusterFilter(**(given | shares))


def whole_numbers(given: list[str]) -> tuple[int, ...]:
    """Those of the texts that are keys of rows, at most `MOST_PICKED`."""
    found = [int(text) for text in given if text.isascii() and text.isdecimal() and len(text) < 19]
    return tuple(found[:MOST_PICKED])


def versions_of(given: list[str]) -> dict[int, str]:
    """Keys of clusters with the versions that were seen, of texts such as `12:proposed.7`."""
    pairs = [text.partition(":") for text in given]
    return {int(key): seen for key, _, seen in pairs if key.isascii() and key.isdecimal() and len(key) < 19}
