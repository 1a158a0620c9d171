"""Groups with their permissions, the first administrator, and the people that administrators let in."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from django.contrib.auth.models import Group, Permission, User
from django.db import transaction

from curation.errors import OdiaError
from curation.models import Application
from curation.selectors.people import ADMINISTRATOR, active_administrators

GROUPS = {
    "viewer": ["read"],
    "reviewer": ["read", "review"],
    "approver": ["read", "review", "approve"],
    "administrator": ["read", "review", "approve", "administer"],
}
LAST_ADMINISTRATOR = (
    "{user} is the last administrator who can sign in. Make another person an administrator first, "
    "so that nobody is locked out."
)


@transaction.atomic
def groups_ensure() -> None:
    """Make the four groups; their permissions are set to what they should be."""
    for name, codenames in GROUPS.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.set(Permission.objects.filter(content_type__app_label="curation", codename__in=codenames))


@transaction.atomic
def administrator_ensure() -> tuple[User, str | None]:
    """The first administrator, made with a random password where there is no user at all.

    Returns:
        The user, and the password if it was made just now.
    """
    user = User.objects.filter(is_superuser=True).order_by("pk").first()
    if user:
        return user, None
    password = secrets.token_urlsafe(12)
    user = User.objects.create_superuser("admin", password=password)
    user.groups.add(Group.objects.get(name=ADMINISTRATOR))
    return user, password


@transaction.atomic
def person_create(*, username: str, email: str = "", group: str = "", applications: Iterable[Application] = ()) -> User:
    """A user who cannot sign in until they have chosen a password."""
    user = User.objects.create_user(username, email or None)
    return person_change(user=user, email=email, group=group, applications=applications)


@transaction.atomic
def person_change(*, user: User, email: str, group: str, applications: Iterable[Application]) -> User:
    """Set a user's group and the applications that they are a member of.

    Raises:
        OdiaError: nobody would be left to administer.
    """
    if group != ADMINISTRATOR and not user.is_superuser:
        _keep_an_administrator(user)
    was_administrator = user.groups.filter(name=ADMINISTRATOR).exists()
    user.groups.set(Group.objects.filter(name=group))
    user.applications.set(applications)
    user.email = email
    # The admin console is for administrators, and for whom somebody let in by hand.
    user.is_staff = user.is_superuser or group == ADMINISTRATOR or (user.is_staff and not was_administrator)
    user.save(update_fields=["email", "is_staff"])
    return user


@transaction.atomic
def person_activate(*, user: User, active: bool) -> User:
    """Let a user sign in, or keep them out; what they did stays under their name.

    Raises:
        OdiaError: nobody would be left to administer.
    """
    if not active:
        _keep_an_administrator(user)
    user.is_active = active
    user.save(update_fields=["is_active"])
    return user


def password_forget(*, user: User) -> User:
    """Take a user's password away, which signs them out everywhere; they choose a new one by a link."""
    user.set_unusable_password()
    user.save(update_fields=["password"])
    return user


def _keep_an_administrator(user: User) -> None:
    # Locked, so that two administrators cannot take each other away at once.
    left = set(active_administrators().select_for_update(of=("self",)).values_list("pk", flat=True))
    if left == {user.pk}:
        raise OdiaError(LAST_ADMINISTRATOR.format(user=user))
