"""The filter of the list of clusters."""

from __future__ import annotations

from django import forms

from curation.forms.choices import ANY
from curation.models.clusters import ClusterStatus


class ClusterFilterForm(forms.Form):
    """The filter of the list of clusters."""

    status = forms.ChoiceField(required=False, choices=[ANY, *ClusterStatus.choices])
    function = forms.CharField(required=False, max_length=200)

    def wanted(self) -> dict[str, str]:
        self.is_valid()
        return {"status": self.cleaned_data.get("status", ""), "function": self.cleaned_data.get("function", "")}
