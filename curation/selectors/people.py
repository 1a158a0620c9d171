"""Reads of users, for administrators."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q, QuerySet

ADMINISTRATOR = "administrator"
COMMAND = "the command"
"""The user that stands for `manage.py` where a record needs one: nobody signs in so, and no form takes such a name."""


def people() -> QuerySet[User]:
    """All users, those who can sign in first, each with groups and applications in two further queries."""
    users = User.objects.exclude(username=COMMAND)
    return users.prefetch_related("groups", "applications").order_by("-is_active", "username")


def active_administrators() -> QuerySet[User]:
    """The users who can sign in and may administer."""
    in_group = User.groups.through.objects.filter(user=OuterRef("pk"), group__name=ADMINISTRATOR)
    return User.objects.filter(Q(is_superuser=True) | Exists(in_group), is_active=True)


def rights_of(user: User) -> dict[str, Any]:
    """What a user may: their group, their applications by their short names, and whether they may sign in."""
    fresh = User.objects.prefetch_related("groups").get(pk=user.pk)
    applications = list(fresh.applications.order_by("slug").values_list("slug", flat=True))
    return {"group": group_of(fresh), "applications": applications, "may_sign_in": fresh.is_active}


def group_of(user: User) -> str:
    """The name of the group with the most rights that a user is in; empty where they are in none."""
    names = {group.name for group in user.groups.all()}
    return next((name for name in (ADMINISTRATOR, "approver", "reviewer", "viewer") if name in names), "")
