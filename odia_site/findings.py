"""What the doctor tells, one line each."""

from __future__ import annotations

from dataclasses import dataclass

START = "start ODIA with `make up` (or `manage.py up`)"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor."""

    name: str
    ok: bool
    sentence: str
