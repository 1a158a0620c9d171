"""A message that says what was done, with a button that takes it back."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe


def say_with_undo(request: HttpRequest, sentence: str, batch: UUID | None) -> None:
    """Say it; with the `batch` of an action, also offer to undo it and link to its queries."""
    if batch is None:
        messages.warning(request, sentence)
        return
    context = {"sentence": sentence, "batch": batch}
    messages.success(request, mark_safe(render_to_string("components/undoable.html", context, request)))  # noqa: S308
