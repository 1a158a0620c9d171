"""Forms about people: signing in, and users with their groups and applications."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User

from curation.models import Application
from curation.selectors.people import group_of
from curation.services.people import GROUPS
from curation.services.sign_ins import sign_in_failed, sign_in_is_held, sign_in_succeeded

GROUP_CHOICES = [("", "None: may not look at anything")] + [
    (name, f"{name.capitalize()}: {may}")
    for name, may in zip(
        GROUPS,
        (
            "looks at everything",
            "decides on clusters and calls too",
            "approves datasets, starts runs and promotes too",
            "changes applications, keys, teachers, users and schedules too",
        ),
        strict=True,
    )
]


class SignInForm(AuthenticationForm):
    """User name and password; after several failures nobody may try for a while."""

    HELD = "Too many sign-ins failed for this user name. Wait a quarter of an hour, then try again."

    def clean(self) -> dict[str, Any]:
        assert self.request
        who = {
            "username": self.cleaned_data.get("username") or "",
            "address": self.request.META.get("REMOTE_ADDR", ""),
        }
        if sign_in_is_held(**who):
            raise forms.ValidationError(self.HELD, code="held")
        try:
            cleaned = super().clean()
        except forms.ValidationError:
            sign_in_failed(**who)
            raise
        if self.get_user():
            sign_in_succeeded(**who)
        return cleaned


class PersonForm(forms.ModelForm):
    """A user's group and applications."""

    group = forms.ChoiceField(choices=GROUP_CHOICES, required=False)
    applications = forms.ModelMultipleChoiceField(
        Application.objects.all(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Of which they are a member. Administrators see every application.",
    )

    class Meta:
        model = User
        fields = ["email"]
        help_texts = {"email": "Nothing is sent to it; it tells who this is."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial.update(group=group_of(self.instance), applications=self.instance.applications.all())


class NewPersonForm(PersonForm):
    """A new user."""

    class Meta(PersonForm.Meta):
        fields = ["username", "email"]

    field_order = ["username", "email", "group", "applications"]
