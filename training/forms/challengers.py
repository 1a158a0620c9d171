"""The trial of a challenger."""

from __future__ import annotations

from django import forms

from training.models import RoutingPolicy


class CanaryForm(forms.ModelForm):
    """Whom the challenger answers, and whether it answers unseen."""

    class Meta:
        model = RoutingPolicy
        fields = ["canary_share", "shadow"]
