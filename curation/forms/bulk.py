"""Which queries one action shall change."""

from __future__ import annotations

from uuid import UUID

from django import forms

from curation.models.reviews import Decision
from curation.selectors.traffic import PAGE_SIZE

SCOPES = [("checked", "the selected ones"), ("all", "all that pass this filter")]
DECISIONS = [(choice.value, choice.label) for choice in (Decision.EXCLUDE, Decision.INCLUDE, Decision.CORRECT)]


class KeysField(forms.MultipleChoiceField):
    """Keys of queries, of one page at most."""

    def to_python(self, value: object) -> list[str]:
        return list(dict.fromkeys(super().to_python(value)))

    def validate(self, value: list[str]) -> None:
        if len(value) > PAGE_SIZE:
            raise forms.ValidationError(f"At most {PAGE_SIZE} queries can be selected one by one.")
        for key in value:
            try:
                UUID(key)
            except ValueError as error:
                raise forms.ValidationError("One of the selected queries is none. Load the page again.") from error


class BulkForm(forms.Form):
    """The queries that were selected, or all that pass the filter, as they were when the page was shown.

    `as_of` is a key later than those of all queries that had arrived then, `seen` the newest decision then, `shown`
    the number of queries that passed (empty: more than were counted).
    """

    scope = forms.ChoiceField(choices=SCOPES)
    query = KeysField(required=False)
    as_of = forms.UUIDField()
    seen = forms.IntegerField(min_value=0, max_value=2**63 - 1)
    shown = forms.IntegerField(min_value=0, required=False)

    def clean_query(self) -> list[str]:
        keys: list[str] = self.cleaned_data["query"]
        if self.cleaned_data.get("scope") == "checked" and not keys:
            raise forms.ValidationError("No query is selected. Tick some, or choose all that pass the filter.")
        return keys

    def problem(self) -> str:
        """What is wrong with it, in one sentence."""
        named = self.errors.get("query")
        return str(named[0]) if named else "This page is out of date. Select again."
