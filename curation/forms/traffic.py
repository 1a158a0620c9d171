"""The filter of the traffic page."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from django import forms
from django.http import QueryDict
from django.utils import timezone

from curation.forms.choices import ANY
from curation.models.traffic import Route, Source
from curation.selectors.traffic import INLINE, NO_CALL, TrafficFilter

YES_OR_NO = [ANY, ("yes", "yes"), ("no", "no")]
FLAGS = ("agrees", "labelled", "corrected", "excluded")
SHOWN_ALWAYS = ("q", "function", "route", "agrees", "since", "until")


_SPANS = (("since", "until"), ("confidence_from", "confidence_to"), ("latency_from", "latency_to"))


class Chip(NamedTuple):
    """One condition of a filter in words, and the address of the list without it."""

    label: str
    value: str
    without: str


class FilterChoice(forms.ChoiceField):
    """A choice that says in one sentence what it does not know."""

    default_error_messages = {"invalid_choice": "There is no “%(value)s” to choose here: this narrows nothing."}


class Moment(forms.DateTimeField):
    """A day or a minute; as the end of a span, a day ends with its last minute."""

    widget = forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    default_error_messages = {
        "invalid": "This is no time: write it as 2026-03-12 or 2026-03-12 14:30. It narrows nothing."
    }

    def __init__(self, *, label: str, is_end: bool) -> None:
        super().__init__(label=label, required=False)
        self.is_end = is_end

    def to_python(self, value: Any) -> datetime | None:
        day = _day(value)
        if day is None:
            return super().to_python(value)
        return timezone.make_aware(datetime.combine(day + timedelta(days=self.is_end), time.min))


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
    except ValueError:
        return None


def _number(label: str, wrong: str, most: float | None = None) -> forms.FloatField:
    # A text field, because a number field of a browser hides what is no number.
    widget = forms.TextInput({"inputmode": "decimal"})
    field = forms.FloatField(label=label, required=False, min_value=0, max_value=most, widget=widget)
    field.error_messages["invalid"] = f"{wrong} It narrows nothing."
    return field


def _hidden(field: type[forms.Field], **options: Any) -> forms.Field:
    return field(required=False, widget=forms.HiddenInput, **options)


class TrafficFilterForm(forms.Form):
    """The filter of the traffic page, from its address."""

    q = forms.CharField(
        label="Search",
        required=False,
        max_length=200,
        widget=forms.TextInput({"type": "search", "placeholder": "words in the query", "data-key": "/"}),
    )
    function = FilterChoice(label="Function called", required=False)
    route = FilterChoice(label="Route", required=False, choices=[ANY, (INLINE, "memo or student"), *Route.choices])
    agrees = FilterChoice(label="Student agrees", required=False, choices=YES_OR_NO)
    since = Moment(label="From", is_end=False)
    until = Moment(label="Until", is_end=True)
    offered = FilterChoice(label="Function offered", required=False)
    reason = forms.CharField(label="Reason of the route", required=False, max_length=200)
    confidence_from = _number("Confidence from", "This is no number from 0 to 1.", most=1)
    confidence_to = _number("Confidence to", "This is no number from 0 to 1.", most=1)
    latency_from = _number("Time taken from (ms)", "This is no number of milliseconds.")
    latency_to = _number("Time taken to (ms)", "This is no number of milliseconds.")
    source = FilterChoice(label="Source", required=False, choices=[ANY, *Source.choices])
    user = forms.CharField(label="User", required=False, max_length=200)
    labelled = FilterChoice(label="Labelled", required=False, choices=YES_OR_NO)
    corrected = FilterChoice(label="Corrected", required=False, choices=YES_OR_NO)
    excluded = FilterChoice(label="Excluded", required=False, choices=YES_OR_NO)
    student = _hidden(forms.CharField, label="Student asked", max_length=100)
    cluster = _hidden(forms.IntegerField, label="Cluster", min_value=1, max_value=2**63 - 1)
    pattern = _hidden(forms.IntegerField, label="Pattern", min_value=1, max_value=2**63 - 1)
    like = _hidden(forms.UUIDField, label="Like")
    batch = _hidden(forms.UUIDField, label="Decided in one action")

    def __init__(self, given: QueryDict, functions: list[str]) -> None:
        """`given` is an address, of which only the filter is read."""
        data = {name: str(given[name]).replace("\0", "") for name in self.base_fields if given.get(name)}
        super().__init__(data, auto_id="filter_%s")
        self.data: dict[str, str] = data
        for name, first in (("function", [ANY, (NO_CALL, "no call")]), ("offered", [ANY])):
            # A function of an older tool set may stand in an address, and finds its queries.
            known = dict.fromkeys([*functions, data.get(name, "")])
            self._choice(name).choices = [*first, *((one, one) for one in known if one not in ("", NO_CALL))]
        self.is_valid()
        self._show_as_fields_do()

    def wanted(self) -> TrafficFilter:
        """The filter; a value that does not fit its field narrows nothing, and its field says so."""
        flags = {"yes": True, "no": False}
        values = {name: flags.get(value) if name in FLAGS else value for name, value in self.cleaned_data.items()}
        return TrafficFilter(**values)  # type: ignore[arg-type]

    def clean(self) -> dict[str, Any]:
        """A span that ends before it begins is said where it ends."""
        values = super().clean() or {}
        for first, last in _SPANS:
            low, high = values.get(first), values.get(last)
            if low is not None and high is not None and high < low:
                self.add_error(last, "This lies before the beginning. It narrows nothing.")
        return values

    def address(self, *without: str, **instead: str) -> str:
        """The filter as it stands in an address, but for some fields."""
        given = QueryDict(mutable=True)
        given.update({name: value for name, value in self.data.items() if value and name in self.cleaned_data})
        given.update(instead)
        for name in without:
            given.pop(name, None)
        return given.urlencode()

    def chips(self, names: dict[str, str]) -> list[Chip]:
        """The conditions in force; `names` says what keys in the address stand for."""
        in_force = [name for name in self.fields if self.data.get(name) and name in self.cleaned_data]
        return [
            Chip(str(self.fields[name].label), names.get(name) or self._words(name), self.address(name))
            for name in in_force
        ]

    def shown(self) -> list[forms.BoundField]:
        return [self[name] for name in SHOWN_ALWAYS]

    def folded(self) -> list[forms.BoundField]:
        return [field for field in self.visible_fields() if field.name not in SHOWN_ALWAYS]

    @property
    def folded_in_force(self) -> int:
        return sum(bool(field.data) for field in self.folded())

    @property
    def folded_wrong(self) -> bool:
        return any(field.errors for field in self.folded())

    def _words(self, name: str) -> str:
        value = self.cleaned_data[name]
        if isinstance(value, datetime):
            return f"{timezone.localtime(value):%-d %b %Y %H:%M}"
        field = self.fields[name]
        choices = dict(field.choices) if isinstance(field, forms.ChoiceField) else {}  # type: ignore[arg-type]
        return str(choices.get(value, f"{value:g}" if isinstance(value, float) else value))

    def _choice(self, name: str) -> forms.ChoiceField:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        return field

    def _show_as_fields_do(self) -> None:
        """A day becomes its first minute, which is all that a field for a time can show."""
        for name in ("since", "until"):
            moment = self.cleaned_data.get(name)
            self.data[name] = f"{timezone.localtime(moment):%Y-%m-%dT%H:%M}" if moment else ""
