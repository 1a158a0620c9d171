"""What is chosen at the building of a dataset."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone

from curation.models import Cluster
from training.models.build_choices import MOST_EXAMPLES, BuildChoices


class BuildForm(forms.Form):
    """Nothing has to be filled in: what is left empty takes everything."""

    limit = forms.IntegerField(
        label="Most examples",
        required=False,
        min_value=1,
        max_value=MOST_EXAMPLES,
        help_text=f"The newest distinct queries; {MOST_EXAMPLES:,} if empty.",
    )
    most_of_function = forms.IntegerField(
        label="Most of one function",
        required=False,
        min_value=1,
        max_value=MOST_EXAMPLES,
        help_text="Training examples, evenly spread over time; all if empty. Calibration and test keep the shares of "
        "the traffic.",
    )
    since = forms.DateField(
        label="From",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Queries from this day on; all if empty.",
    )
    without_functions = forms.MultipleChoiceField(label="Functions to leave to the teacher", required=False)
    without_clusters = forms.TypedMultipleChoiceField(
        label="Clusters to leave to the teacher", required=False, coerce=int
    )

    def __init__(self, clusters: list[Cluster], data: QueryDict) -> None:
        """`clusters` are the approved ones."""
        super().__init__(data)
        self._given = data
        functions = sorted({cluster.function for cluster in clusters})
        self.function_ticks = self._offer("without_functions", [(name, name) for name in functions])
        named = [(str(cluster.pk), f"{cluster.name} ({cluster.queries:,})") for cluster in clusters]
        self.cluster_ticks = self._offer("without_clusters", named)

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> list[tuple[str, str, bool]]:
        """Value, label and whether it is ticked, of each choice: a widget for each would take long to write."""
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices
        ticked = set(self._given.getlist(name))
        return [(value, label, value in ticked) for value, label in choices]

    def clean_since(self) -> datetime | None:
        day = self.cleaned_data["since"]
        return timezone.make_aware(datetime.combine(day, time.min)) if day else None

    @property
    def choices(self) -> BuildChoices:
        """What was chosen; whatever does not fit is left out."""
        self.is_valid()
        chosen: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in self.cleaned_data.items()
            if value
        }
        return BuildChoices(**chosen)

    @property
    def given(self) -> list[tuple[str, str]]:
        """Names and values as they came."""
        return [(name, value) for name in self.fields for value in self._given.getlist(name) if value]
