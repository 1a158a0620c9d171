"""Sign-ins are slowed down where somebody tries passwords."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from curation.models import SignInFailure

WINDOW = timedelta(minutes=15)
MOST_FROM_ONE_ADDRESS = 5
MOST_FOR_ONE_NAME = 50
"""From all addresses together: an attacker has many, and must not easily keep the person out either."""


def sign_in_is_held(*, username: str, address: str) -> bool:
    """Whether so many sign-ins failed lately that no further one is tried."""
    recent = SignInFailure.objects.filter(username=_name(username), failed_at__gt=timezone.now() - WINDOW)
    addresses = list(recent.order_by("-failed_at").values_list("address", flat=True)[:MOST_FOR_ONE_NAME])
    return len(addresses) >= MOST_FOR_ONE_NAME or addresses.count(address) >= MOST_FROM_ONE_ADDRESS


def sign_in_failed(*, username: str, address: str) -> None:
    """Remember a failed sign-in, and forget those that count no more."""
    SignInFailure.objects.filter(failed_at__lt=timezone.now() - WINDOW).delete()
    SignInFailure.objects.create(username=_name(username), address=address)


def sign_in_succeeded(*, username: str, address: str) -> None:
    """A person who remembered the password begins anew."""
    SignInFailure.objects.filter(username=_name(username), address=address).delete()


def _name(username: str) -> str:
    return username.strip().lower()[:150]
