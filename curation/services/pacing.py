"""The pace at which ODIA asks a teacher, kept in the teacher's row: all processes share it, and it outlives them.

It is the generic cell rate algorithm with no burst: each request takes the next free moment and moves it on by the
time between two requests, so that a process begun anew cannot send more than the rest.
"""

from __future__ import annotations

from django.db import connection

from curation.models import Teacher


def moment_take(*, teacher: Teacher, within: float | None = None) -> float | None:
    """Take the next free moment of a teacher, at its present limit; returns the seconds until then.

    None, taking none, where it is further off than `within` seconds.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {Teacher._meta.db_table} SET free_at = GREATEST(free_at, clock_timestamp())"
            " + make_interval(secs => COALESCE(60.0 / requests_per_minute, 0))"
            " WHERE id = %s AND (%s::float IS NULL OR free_at IS NULL"
            " OR free_at <= clock_timestamp() + make_interval(secs => %s)) RETURNING"
            " EXTRACT(EPOCH FROM free_at - clock_timestamp()) - COALESCE(60.0 / requests_per_minute, 0)",
            [teacher.pk, within, within or 0.0],
        )
        row = cursor.fetchone()
    return max(float(row[0]), 0.0) if row else None


def teacher_rest(*, teacher: Teacher, seconds: float) -> None:
    """Ask the teacher nothing for so long, from no process: it said so."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {Teacher._meta.db_table} SET free_at = GREATEST(free_at, clock_timestamp()"
            " + make_interval(secs => %s)) WHERE id = %s",
            [seconds, teacher.pk],
        )
