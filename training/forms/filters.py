"""What the filters of examples and of disagreements share."""

from __future__ import annotations

from typing import Any

from django import forms

from curation.forms.choices import ANY


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
