"""The lock of a job: held by the process that works on it, and free the moment that process is dead."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import Error, connection
from django.db.backends.base.base import BaseDatabaseWrapper

TRY_AGAIN_SECONDS = 0.1


@contextmanager
def job_lock(pk: int, *, patience: float = 0.0) -> Iterator[BaseDatabaseWrapper | None]:
    """PostgreSQL's advisory lock of the job `pk`, on a connection of its own; None where another process has it.

    The server frees it when the connection ends, however its process dies. `patience` is how many seconds to wait
    for that. The connection may be used by another thread, as long as one of them uses it at a time.
    """
    own = connection.copy()
    own.inc_thread_sharing()
    try:
        yield own if _acquired(own, pk, time.monotonic() + patience) else None
        _release(own)
    finally:
        own.close()


def _acquired(own: BaseDatabaseWrapper, pk: int, deadline: float) -> bool:
    while not _try(own, pk):
        if time.monotonic() >= deadline:
            return False
        time.sleep(TRY_AGAIN_SECONDS)
    return True


def _release(own: BaseDatabaseWrapper) -> None:
    """At once: the server may take a moment to notice that a connection is closed."""
    with suppress(Error), own.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock_all()")


def _try(own: BaseDatabaseWrapper, pk: int) -> bool:
    with own.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext('odia job'), %s)", [pk])
        return bool(cursor.fetchone()[0])
