"""Changes of settings, recorded where the admin console records its own: who, when, and what before and after."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Model
from django.forms import ModelForm

from curation.models import Application
from curation.selectors.people import COMMAND

FLAGS = {"added": ADDITION, "changed": CHANGE, "deleted": DELETION}


def change_record(
    *,
    user: User | None,
    application: Application | None,
    row: Model,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    what: str = "changed",
) -> LogEntry | None:
    """Record what differs between before and after; nothing where nothing does, unless it was added or deleted.

    `user` is None for a command; `application` is None for what is about the whole site. Secrets must stand in neither.
    """
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    if what == "changed" and not changed:
        return None
    details = {
        "name": str(row._meta.verbose_name),
        "object": str(row),
        "fields": changed,
        "application": application.pk if application else None,
        "before": {name: before[name] for name in changed if name in before},
        "after": {name: after[name] for name in changed if name in after},
    }
    return LogEntry.objects.create(
        user=user or _command(),
        content_type=ContentType.objects.get_for_model(row),
        object_id=str(row.pk),
        object_repr=str(row)[:200],
        action_flag=FLAGS[what],
        change_message=json.dumps([{what: details}]),
    )


def _command() -> User:
    """The console's log wants a user for each line."""
    closed = {"is_active": False, "password": make_password(None)}
    return User.objects.get_or_create(username=COMMAND, defaults=closed)[0]


@transaction.atomic
def form_save(*, form: ModelForm, application: Application, user: User) -> Model:
    """Save a form that is valid, and record what it changed."""
    added = form.instance.pk is None
    names = form.changed_data
    before = {} if added else {name: plain(form.initial.get(name)) for name in names}
    row: Model = form.save()
    after = {name: plain(form.cleaned_data[name]) for name in names}
    what = "added" if added else "changed"
    change_record(user=user, application=application, row=row, before=before, after=after, what=what)
    return row


def plain(value: Any) -> Any:
    """A value as JSON holds it; of rows their names."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, Iterable):
        return [plain(one) for one in value]
    return str(value)
