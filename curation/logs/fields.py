"""Checking single fields of a log line."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from curation.logs.records import LineProblem
from curation.teachers.storable import problem_with_text

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
LONGEST_KEY = 200
LONGEST_NAME = 200
LARGEST_LATENCY_MS = 24 * 3600 * 1000.0
LARGEST_COUNT = 2**31 - 1
_POSITION = re.compile(r"\[\d+\]")


def read_timestamp(value: str | int | float | None) -> datetime | None:
    """An ISO 8601 text (UTC where it names no zone) or seconds since 1970, as an aware time in UTC.

    Raises:
        LineProblem: it is neither, or lies before 2000 or after 2099.
    """
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else datetime.fromtimestamp(value, UTC)
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise _bad_timestamp(value) from error
    if not EARLIEST <= moment < LATEST:
        raise _bad_timestamp(value)
    return moment


def _bad_timestamp(value: str | int | float) -> LineProblem:
    return LineProblem(
        "bad timestamp",
        f"The timestamp {str(value)[:40]!r} is neither ISO 8601 nor seconds since 1970, or not between 2000 and 2099.",
    )


def read_latency(value: float | None) -> float | None:
    """Milliseconds, if the log says so.

    Raises:
        LineProblem: negative, or more than a day.
    """
    if value is None or (math.isfinite(value) and 0 <= value <= LARGEST_LATENCY_MS):
        return value
    raise LineProblem("bad latency", "latency_ms is not between 0 and one day.")


def read_name(field: str, value: str | int | None) -> str:
    """A short text: an id, a client, a model. Empty if there is none.

    Raises:
        LineProblem: too long, or not to be stored.
    """
    name = "" if value is None else str(value)
    if len(name) > LONGEST_NAME:
        raise LineProblem(f"{field} too long", f"{field} is longer than {LONGEST_NAME} characters.")
    refuse_problem(problem_with_text(name))
    return name


def read_count(usage: Any, field: str) -> int | None:
    """A number of tokens; None where the usage does not hold a sensible one."""
    value = usage.get(field) if isinstance(usage, Mapping) else None
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_COUNT
    return value if is_count else None


def refuse_problem(problem: str | None) -> None:
    if problem:
        raise LineProblem(problem, f"The line cannot be stored: {problem}.")


def schema_problem(error: msgspec.ValidationError) -> LineProblem:
    """What msgspec found wrong with the shape of a line, by the field where it was."""
    sentence = str(error)
    what, _, where = sentence.partition(" - at ")
    where = _POSITION.sub("[...]", where.strip("`").removeprefix("$.")) or "the line"
    if what.startswith("Object missing required field"):
        name = what.split("`")[1]
        path = name if where == "the line" else f"{where}.{name}"
        return LineProblem(f"missing field: {path}", f"The field {path} is missing.")
    if "out of range" in what:
        return LineProblem("number too large", f"{what}, in {where}.")
    return LineProblem(f"wrong type: {where}", f"{what}, in {where}.")
