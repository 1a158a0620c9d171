"""The form that starts an evaluation on live traffic."""

from __future__ import annotations

from typing import Any

from django import forms

from curation.errors import OdiaError
from curation.templatetags.odia import whole
from training.services.live_drawing import DAYS, USUAL_DAYS, LiveCounts


class LiveEvaluationForm(forms.Form):
    """How many days back; `counts` says for each about how many queries there would be."""

    days = forms.TypedChoiceField(label="Traffic of", coerce=int, choices=[(days, days) for days in DAYS])

    def __init__(self, counts: LiveCounts | None = None, data: Any = None) -> None:
        super().__init__(data, initial={"days": USUAL_DAYS}, auto_id="live_%s")
        self.fields["days"].choices = [(days, _said(days, counts)) for days in DAYS]  # type: ignore[attr-defined]

    def chosen(self) -> int:
        """The number of days.

        Raises:
            OdiaError: it is none that can be chosen.
        """
        if self.is_valid():
            return int(self.cleaned_data["days"])
        raise OdiaError(f"Choose of how many days the traffic is: {', '.join(map(str, DAYS[:-1]))} or {DAYS[-1]}.")


def _said(days: int, counts: LiveCounts | None) -> str:
    last = "the last day" if days == 1 else f"the last {days} days"
    if counts is None:
        return last
    count = counts.by_days[days]
    return f"{last} ({whole(count)}{' or more' if counts.or_more else ''} quer{'y' if count == 1 else 'ies'})"
