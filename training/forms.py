"""Forms of the training pages."""

from __future__ import annotations

from typing import Any

from django import forms

from curation.models import Application
from curation.selectors.applications import function_names
from training.models import ApiKey, Dataset, DistillationRun, RoutingPolicy
from training.models.datasets import DatasetStatus, ExampleRoute, Split
from training.models.students import Family
from training.students.encoder.config import EncoderConfig

LAYERS = EncoderConfig().layers
SETTINGS = ("base", "layers", "epochs", "seed")
ANY = ("", "any")


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

    @staticmethod
    def initial_of(run: DistillationRun) -> dict[str, Any]:
        """What the form shows to start a run again with changes."""
        settings = {name: run.config.get(name) for name in SETTINGS}
        return {"dataset": run.dataset_id, "family": run.family, **settings}


class FunctionFilter(forms.Form):
    """The function of a reference call, where `-` stands for *no call*."""

    function = forms.ChoiceField(required=False)

    def __init__(self, functions: list[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["function"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [ANY, *((name or "-", name or "no call") for name in functions)]

    def wanted(self) -> dict[str, Any]:
        """The filter as arguments of its selector; a value that does not fit filters nothing."""
        self.is_valid()
        chosen = self.cleaned_data
        function = chosen.get("function")
        others = {name: chosen.get(name, "") for name in self.fields if name != "function"}
        return {**others, "function": {"-": "", "": None, None: None}.get(function, function)}


class ExampleFilter(FunctionFilter):
    """Examples of a dataset."""

    split = forms.ChoiceField(required=False, choices=[ANY, *Split.choices])
    route = forms.ChoiceField(required=False, choices=[ANY, *ExampleRoute.choices])


class DisagreementFilter(FunctionFilter):
    """Disagreements of an evaluation."""

    served = forms.ChoiceField(
        label="Answered",
        required=False,
        choices=[("", "inline"), ("teacher", "held back by the gate"), ("all", "all")],
    )
    text = forms.CharField(label="Text contains", required=False, max_length=200)


class UtteranceForm(forms.Form):
    """What is tried in the playground."""

    text = forms.CharField(
        label="Utterance", max_length=2000, widget=forms.TextInput(attrs={"autocomplete": "off", "data-key": "/"})
    )


class PolicyForm(forms.ModelForm):
    """What may be answered inline, and what the policy may decide alone."""

    switched_off = forms.MultipleChoiceField(
        label="Left to the teacher",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Functions that only the teacher answers.",
    )

    class Meta:
        model = RoutingPolicy
        fields = [
            "inline",
            "epsilon",
            "function_epsilon",
            "audit_share",
            "allow_context",
            "switched_off",
            "approve_simplicity",
            "approve_purity",
            "approve_queries",
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["switched_off"]
        assert isinstance(choice, forms.MultipleChoiceField)
        names = [*function_names(self.instance.application), *self.instance.switched_off]
        choice.choices = [(name, name) for name in dict.fromkeys(names)]


class CanaryForm(forms.ModelForm):
    """Whom the challenger answers, and whether it answers unseen."""

    class Meta:
        model = RoutingPolicy
        fields = ["canary_share", "shadow"]


class KeyForm(forms.ModelForm):
    """A new API key."""

    class Meta:
        model = ApiKey
        fields = ["label", "requests_per_minute"]
        help_texts = {"label": "Who or what uses it."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["requests_per_minute"].widget.attrs["min"] = 1

    def clean_requests_per_minute(self) -> int | None:
        limit: int | None = self.cleaned_data["requests_per_minute"]
        if limit == 0:
            raise forms.ValidationError("At least 1, or nothing for no limit. To stop a key, revoke it.")
        return limit


class KeyLimitForm(KeyForm):
    """The limit of a key that exists."""

    class Meta(KeyForm.Meta):
        fields = ["requests_per_minute"]
