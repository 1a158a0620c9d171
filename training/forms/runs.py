"""The form that starts a run."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django import forms

from curation.errors import OdiaError
from curation.models import Application
from training.models import Dataset, DistillationRun
from training.models.datasets import DatasetStatus
from training.models.students import Family
from training.selectors.runs import SettingChange, changes, said, settings_said
from training.services.runs import settings_of
from training.students.encoder.config import EncoderConfig

LAYERS = EncoderConfig().layers
SETTINGS = ("base", "layers", "epochs", "seed")


class RunForm(forms.Form):
    """How a student is trained. Nothing has to be filled in: what is left empty takes its default."""

    dataset = forms.ModelChoiceField(
        queryset=Dataset.objects.none(), required=False, empty_label="the newest approved dataset"
    )
    family = forms.ChoiceField(
        choices=Family.choices,
        required=False,
        help_text="Encoder: one forward pass, for values that stand in the query. "
        "Causal: token by token, for values that must be composed; wants a GPU.",
    )
    base = forms.CharField(
        label="Base model",
        required=False,
        max_length=500,
        help_text="Folder, hub name or GGUF file of a causal language model, which a causal student needs; "
        "for an encoder a folder, MiniLM if empty.",
    )
    layers = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=6,
        help_text=f"Of an encoder, 1 to 6; {LAYERS} if empty. Fewer answer faster.",
    )
    epochs = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=100,
        help_text="Passes over the examples, 1 to 100; chosen from their number if empty.",
    )
    seed = forms.IntegerField(
        required=False, min_value=0, max_value=2**31 - 1, help_text="Equal seeds repeat a run; 0 if empty."
    )

    def __init__(self, application: Application, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        approved = Dataset.objects.filter(application=application, status=DatasetStatus.APPROVED)
        choice = self.fields["dataset"]
        assert isinstance(choice, forms.ModelChoiceField)
        choice.queryset = approved
        self.newest = approved.first()
        if self.newest:
            choice.empty_label = f"the newest approved dataset ({self.newest.version})"

    def clean_dataset(self) -> Dataset:
        dataset = self.cleaned_data["dataset"] or self.newest
        if dataset is None:
            raise forms.ValidationError("No dataset is approved yet. Build one and approve it first.")
        return dataset

    def clean_family(self) -> str:
        return self.cleaned_data["family"] or Family.ENCODER

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("family") == Family.CAUSAL:
            if not self.cleaned_data.get("base"):
                self.add_error("base", "A causal student needs a base model.")
            if self.cleaned_data.get("layers"):
                self.add_error("layers", "Only of an encoder can layers be left out.")
        return self.cleaned_data

    def config(self) -> dict[str, Any]:
        """The settings that were filled in."""
        given = {name: self.cleaned_data[name] for name in SETTINGS}
        return {name: value for name, value in given.items() if value not in (None, "")}

    def changes_from(self, earlier: DistillationRun | None) -> list[SettingChange]:
        """What a run of these settings has otherwise than an earlier one; nothing while the form is not right."""
        if earlier is None or not self.is_valid():
            return []
        with suppress(OdiaError):
            settings = settings_of(self.cleaned_data["family"], self.config()).as_json()
            after = said(self.cleaned_data["dataset"].version, self.cleaned_data["family"], settings)
            return changes(settings_said(earlier), after)
        return []

    @staticmethod
    def initial_of(run: DistillationRun) -> dict[str, Any]:
        """What the form shows to start a run again with changes."""
        settings = {name: run.config.get(name) for name in SETTINGS}
        return {"dataset": run.dataset_id, "family": run.family, **settings}
