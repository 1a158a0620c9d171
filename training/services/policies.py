"""The routing policy of an application."""

from __future__ import annotations

from curation.models import Application
from training.models import RoutingPolicy


def policy_of(application: Application) -> RoutingPolicy:
    """The application's policy, made with its defaults where there is none yet."""
    return RoutingPolicy.objects.get_or_create(application=application)[0]
