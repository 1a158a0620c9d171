"""A teacher's places: how many requests ODIA itself has under way at it at a time, over all processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from curation.models import Teacher

CLAIM = -1
"""No place, but a lock that is shared by those who wait for one before the others."""


class Places:
    """Advisory locks of PostgreSQL, one for each place: whoever dies leaves its places free."""

    def __init__(self, teacher: Teacher, own: BaseDatabaseWrapper) -> None:
        self._teacher = teacher
        self._key = f"odia teacher {teacher.pk}"
        self._own = own
        self._held: set[int] = set()

    def take(self, *, first: bool) -> int | None:
        """A place of those that the teacher's present limit leaves, or None; unless `first`, claims come before."""
        if not (first or self._do("pg_try_advisory_xact_lock", CLAIM)):
            return None
        limit = Teacher.objects.values_list("concurrency", flat=True).get(pk=self._teacher.pk)
        free = (place for place in range(limit) if place not in self._held)
        place = next((place for place in free if self._do("pg_try_advisory_lock", place)), None)
        if place is not None:
            self._held.add(place)
        return place

    def leave(self, place: int) -> None:
        self._do("pg_advisory_unlock", place)
        self._held.discard(place)

    def claim(self) -> None:
        """From now on the next free place is for those who come first; each claim is to be withdrawn."""
        self._do("pg_advisory_lock_shared", CLAIM)

    def withdraw(self) -> None:
        self._do("pg_advisory_unlock_shared", CLAIM)

    def _do(self, function: str, lock: int) -> Any:
        with self._own.cursor() as cursor:
            cursor.execute(f"SELECT {function}(hashtext(%s), %s)", [self._key, lock])
            return cursor.fetchone()[0]


@contextmanager
def places_of(teacher: Teacher) -> Iterator[Places]:
    """The places of a teacher, on a connection of its own; those that are still held are left at the end."""
    own = connection.copy()
    own.inc_thread_sharing()
    try:
        yield Places(teacher, own)
    finally:
        own.close()
