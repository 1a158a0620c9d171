"""The filter of the audit trail."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.utils import timezone

from curation.forms.choices import ANY
from curation.models import Application
from training.selectors.trail import KINDS, POLICY, Wanted


class TrailFilter(forms.Form):
    """Decisions of a kind, of a person, between two days; what is none of that does not narrow the list."""

    kind = forms.ChoiceField(choices=[ANY, *KINDS.items()], required=False)
    person = forms.ChoiceField(label="Who", required=False)
    since = forms.DateField(label="From", required=False, widget=forms.DateInput({"type": "date"}))
    until = forms.DateField(label="To", required=False, widget=forms.DateInput({"type": "date"}))

    def __init__(self, *args: Any, application: Application, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = User.objects.filter(is_active=True, applications=application) | User.objects.filter(is_superuser=True)
        people = list(names.order_by("username").distinct().values_list("username", flat=True))
        asked = self.data.get("person", "")
        if asked not in ("", POLICY, *people) and User.objects.filter(username=asked).exists():
            people.append(asked)  # who has left is still found by an address
        choices = [ANY, (POLICY, "the policy"), *((name, name) for name in people)]
        self.fields["person"].choices = choices  # type: ignore[attr-defined]

    def wanted(self) -> Wanted:
        self.is_valid()
        chosen = self.cleaned_data
        since, until = chosen.get("since"), chosen.get("until")
        return Wanted(
            kind=chosen.get("kind") or "",
            person=chosen.get("person") or "",
            since=_midnight(since) if since else None,
            until=_midnight(until + timedelta(days=1)) if until else None,
        )


def _midnight(day: Any) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))
