"""Applications, their teachers and tool sets."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import transaction

from curation.errors import OdiaError
from curation.ml.tools import ToolSetError, parse_tools
from curation.models import Application, Teacher, ToolSetVersion
from curation.services.settings_log import change_record
from curation.teachers.addresses import AddressError, check_base_url
from curation.teachers.secrets import SecretError, check_variable


def application_get(*, slug: str) -> Application:
    """The application with this slug.

    Raises:
        OdiaError: there is none.
    """
    application = Application.objects.filter(slug=slug).first()
    if application is None:
        known = ", ".join(Application.objects.values_list("slug", flat=True)) or "none yet"
        raise OdiaError(f"There is no application {slug!r} (there are: {known}). `import_traffic` creates one.")
    return application


def application_ensure(*, slug: str, name: str = "", description: str = "") -> Application:
    """The application with this slug, made if it is new."""
    try:
        validate_slug(slug)
    except ValidationError as error:
        raise OdiaError(
            f"{slug!r} is no name for an application: use letters, digits, hyphens and underscores."
        ) from error
    defaults = {"name": name or slug.replace("-", " ").replace("_", " ").capitalize(), "description": description}
    return Application.objects.get_or_create(slug=slug, defaults=defaults)[0]


def tool_set_ensure(*, application: Application, tools: list[dict[str, Any]]) -> ToolSetVersion:
    """The row of this tool set, made if it is new.

    Raises:
        OdiaError: it is not a list of functions with JSON Schemas.
    """
    try:
        tool_set = parse_tools(tools)
    except ToolSetError as error:
        raise OdiaError(str(error)) from error
    return ToolSetVersion.objects.get_or_create(
        application=application, sha256=tool_set.sha256, defaults={"tools": tools}
    )[0]


@transaction.atomic
def teacher_set(*, application: Application, base_url: str, model: str, api_key_env: str = "") -> Teacher:
    """Set the teacher of an application by a command, which is recorded.

    Raises:
        OdiaError: the address or the variable of the key cannot be a teacher's.
    """
    try:
        check_base_url(base_url)
        if api_key_env:
            check_variable(api_key_env)
    except (AddressError, SecretError) as error:
        raise OdiaError(str(error)) from error
    after = {"base_url": base_url.rstrip("/"), "model": model, "api_key_env": api_key_env}
    before = Teacher.objects.filter(application=application).values(*after).first() or {}
    values = {**after, "free_at": None}
    teacher, added = Teacher.objects.update_or_create(application=application, defaults=values)
    what = "added" if added else "changed"
    change_record(user=None, application=application, row=teacher, before=before, after=after, what=what)
    return teacher
