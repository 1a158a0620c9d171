"""The filter of an evaluation's disagreements."""

from __future__ import annotations

from django import forms

from curation.forms.choices import ANY
from training.forms.filters import FunctionFilter


class DisagreementFilter(FunctionFilter):
    """Disagreements of an evaluation."""

    served = forms.ChoiceField(
        label="Answered",
        required=False,
        choices=[("", "inline"), ("teacher", "held back by the gate"), ("all", "all")],
    )
    judged = forms.ChoiceField(label="Judged", required=False, choices=[ANY, ("no", "not yet"), ("yes", "judged")])
    text = forms.CharField(label="Text contains", required=False, max_length=200)


class ComparisonFilter(FunctionFilter):
    """Examples that one of two students alone gets right."""

    side = forms.ChoiceField(
        label="Right alone is", required=False, choices=[("", "this student"), ("lost", "the champion")]
    )
    text = forms.CharField(label="Text contains", required=False, max_length=200)
