"""The audit trail as CSV and JSON lines, event by event."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Any

from curation.models import Application
from training.selectors.trail import Wanted, trail
from training.selectors.trail_events import Event

COLUMNS = ("at", "kind", "who", "what", "about", "before", "after")
_READ_AS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


async def csv_lines(application: Application, wanted: Wanted) -> AsyncIterator[str]:
    """With a head line; what a spreadsheet would take for a formula bears an apostrophe in front."""
    yield _csv_line(COLUMNS)
    async for event in trail(application, wanted):
        values = _as_json(event)
        texts = [json.dumps(one, ensure_ascii=False) if isinstance(one, dict) else one for one in values.values()]
        yield _csv_line([_harmless(text) for text in texts])


async def json_lines(application: Application, wanted: Wanted) -> AsyncIterator[str]:
    """One object on each line, with the columns as names."""
    async for event in trail(application, wanted):
        yield json.dumps(_as_json(event), ensure_ascii=False) + "\n"


def _as_json(event: Event) -> dict[str, Any]:
    about = f"{event.about} ({event.key})" if event.page == "query" else event.about
    who = event.who or event.by
    return dict(
        zip(
            COLUMNS,
            (event.at.isoformat(), event.kind, who, event.what, about, event.before, event.after),
            strict=True,
        )
    )


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_READ_AS_FORMULA) else text


def _csv_line(values: Any) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue()
