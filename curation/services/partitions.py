"""Monthly partitions of the large tables, made before the first row of a month is written."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from django.db import connection

from curation.identifiers import first_id

TABLES = ("curation_query", "curation_teachercall", "curation_routerdecision", "curation_shadowanswer")
LOCK = 0x0D1A_0001


def ensure_partitions(times: Iterable[datetime]) -> None:
    """Make the partitions that rows of these times fall into, where they are missing."""
    months = {(time.astimezone(UTC).year, time.astimezone(UTC).month) for time in times}
    missing = {f"{table}_{year}_{month:02}": (table, year, month) for table in TABLES for year, month in months}
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relname = ANY(%s)", [list(missing)])
        for (name,) in cursor.fetchall():
            del missing[name]
        if missing:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        for name, (table, year, month) in missing.items():
            low = first_id(datetime(year, month, 1, tzinfo=UTC))
            high = first_id(datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC))
            cursor.execute(
                f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF {table} FOR VALUES FROM ('{low}') TO ('{high}')"
            )
