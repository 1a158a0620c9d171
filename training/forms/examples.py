"""The filter of a dataset's examples."""

from __future__ import annotations

from django import forms

from curation.forms.choices import ANY
from training.forms.filters import FunctionFilter
from training.models.datasets import ExampleRoute, Split


class ExampleFilter(FunctionFilter):
    """Examples of a dataset."""

    text = forms.CharField(
        label="Text contains",
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"type": "search", "data-key": "/"}),
    )
    split = forms.ChoiceField(required=False, choices=[ANY, *Split.choices])
    route = forms.ChoiceField(required=False, choices=[ANY, *ExampleRoute.choices])
