"""Groups with their permissions, and the first administrator."""

from __future__ import annotations

import secrets

from django.contrib.auth.models import Group, Permission, User
from django.db import transaction

GROUPS = {
    "viewer": ["read"],
    "reviewer": ["read", "review"],
    "approver": ["read", "review", "approve"],
    "administrator": ["read", "review", "approve", "administer"],
}


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
    user.groups.add(Group.objects.get(name="administrator"))
    return user, password
