"""A teacher's places: how many requests ODIA itself has under way at it at a time, over all processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from curation.models import Teacher


class Places:
    """Advisory locks of PostgreSQL, one for each place: whoever dies leaves its places free."""

    def __init__(self, teacher: Teacher, own: BaseDatabaseWrapper) -> None:
        self._key = f"odia teacher {teacher.pk}"
        self._own = own
        self._free = set(range(teacher.concurrency))
        """Those that this process does not hold; others may."""

    def take(self) -> int | None:
        """A place, or None where all are taken."""
        return next((place for place in sorted(self._free) if self._lock(place)), None)

    def leave(self, place: int) -> None:
        with self._own.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtext(%s), %s)", [self._key, place])
        self._free.add(place)

    def _lock(self, place: int) -> bool:
        with self._own.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s), %s)", [self._key, place])
            taken = bool(cursor.fetchone()[0])
        if taken:
            self._free.discard(place)
        return taken


@contextmanager
def places_of(teacher: Teacher) -> Iterator[Places]:
    """The places of a teacher, on a connection of its own; those that are still held are left at the end."""
    own = connection.copy()
    own.inc_thread_sharing()
    try:
        yield Places(teacher, own)
    finally:
        own.close()
