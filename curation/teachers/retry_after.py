"""How long a teacher asks to be left alone: the header `retry-after` (RFC 9110, section 10.2.3)."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

LONGEST_SECONDS = 3600.0


def seconds_of(response: httpx.Response) -> float | None:
    """Seconds from now, at most an hour; None where the header is missing or cannot be read."""
    written = response.headers.get("retry-after", "").strip()
    seconds = float(written) if written.isascii() and written.isdigit() else _seconds_until(written)
    return None if seconds is None else min(max(seconds, 0.0), LONGEST_SECONDS)


def _seconds_until(written: str) -> float | None:
    try:
        moment = parsedate_to_datetime(written)
    except ValueError:
        return None
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
