"""Answers of a view: the page, or for htmx the part of it that changes; errors of services as messages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers

from curation.errors import OdiaError


def answer(request: HttpRequest, template: str, partial: str, context: dict[str, Any]) -> HttpResponse:
    """The whole template, or only its `partial` (with the messages) where htmx asked for it."""
    if is_fragment(request):
        response = render(request, f"{template}#{partial}", context)
        if len(messages.get_messages(request)):
            response.write(render_to_string("components/messages.html", {"oob": True}, request))
    else:
        response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def is_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of the page (and not to bring back a page from the history)."""
    htmx = request.htmx  # type: ignore[attr-defined]
    return bool(htmx) and not htmx.history_restore_request


@contextmanager
def errors_as_messages(request: HttpRequest) -> Iterator[None]:
    """What cannot be done becomes a message; the view goes on after the block."""
    try:
        yield
    except OdiaError as error:
        messages.error(request, str(error))
