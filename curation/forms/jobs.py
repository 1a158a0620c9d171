"""The filter of the list of jobs."""

from __future__ import annotations

from django import forms

from curation.forms.choices import ANY
from curation.models.jobs import JobKind, JobState


class JobFilter(forms.Form):
    """Jobs of a kind, in a state; what is no kind or state does not narrow the list."""

    kind = forms.ChoiceField(label="Job", choices=[ANY, *JobKind.choices], required=False)
    state = forms.ChoiceField(choices=[ANY, *JobState.choices], required=False)

    def wanted(self) -> dict[str, str]:
        self.is_valid()
        return {name: self.cleaned_data.get(name, "") for name in self.fields}
