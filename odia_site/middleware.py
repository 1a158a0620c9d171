"""What happens around every request of the dashboard: times in the viewer's zone."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

COOKIE = "timezone"
LONGEST_NAME = 64


def viewers_timezone(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Times are shown, and dates understood, in the zone that the browser named in its cookie; UTC without one."""

    def answer(request: HttpRequest) -> HttpResponse:
        with timezone.override(zone_named(unquote(request.COOKIES.get(COOKIE, "")))):
            return get_response(request)

    return answer


def zone_named(name: str) -> ZoneInfo | None:
    """The time zone of this name; None where there is none, which stands for the default."""
    try:
        return ZoneInfo(name) if 0 < len(name) <= LONGEST_NAME else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # Names of folders, or with characters that no file can have.
        return None
