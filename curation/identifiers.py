"""UUIDs of version 7 (RFC 9562): ordered by time, so that large tables can be partitioned by their key."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime
from uuid import UUID

_VERSION_AND_VARIANT_MASK = ~((0xF << 76) | (0x3 << 62))
_CHANCE_BITS = (1 << 32) - 1
_VERSION_AND_VARIANT = (0x7 << 76) | (0x2 << 62)


def new_id(at: datetime | None = None) -> UUID:
    """A fresh identifier of a thing that happened at `at` (now if it is not given)."""
    return _at(at or datetime.now(UTC), secrets.token_bytes(10))


def derived_id(at: datetime, *parts: str) -> UUID:
    """The same identifier whenever the time (to the millisecond) and the parts are the same."""
    return _at(at, hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).digest()[:10])


def first_id(at: datetime) -> UUID:
    """The lowest identifier of all things that happened at `at` or later."""
    return _at(at, bytes(10))


def time_of(identifier: UUID) -> datetime:
    """The time that stands in a version 7 identifier, to the millisecond."""
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, UTC)


def chance_of(identifier: UUID) -> float:
    """The number in [0, 1) that its random bits amount to: the same thing always falls into the same random share."""
    return (identifier.int & _CHANCE_BITS) / (_CHANCE_BITS + 1)


def _at(at: datetime, tail: bytes) -> UUID:
    milliseconds = int(at.timestamp() * 1000) & ((1 << 48) - 1)
    value = (milliseconds << 80) | int.from_bytes(tail, "big")
    return UUID(int=(value & _VERSION_AND_VARIANT_MASK) | _VERSION_AND_VARIANT)
