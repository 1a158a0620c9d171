"""What stands behind the question mark of an address."""

from __future__ import annotations

from django.http import HttpRequest

LONGEST_KEY = 18


def number(request: HttpRequest, name: str, otherwise: int = 0) -> int:
    """A whole number, zero or more, of the query string; `otherwise` for anything else."""
    value = request.GET.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) <= LONGEST_KEY else otherwise


def without(request: HttpRequest, *names: str) -> str:
    """The query string without these names, to be followed by others: empty, or with an `&` at its end."""
    rest = request.GET.copy()
    for name in names:
        rest.pop(name, None)
    return f"{rest.urlencode()}&" if rest else ""
