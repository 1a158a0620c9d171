"""Partition the large tables by time, that is, by range of their UUIDv7 keys, while they are still empty."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.db import migrations, models

# The table is made again in the same shape, because PostgreSQL cannot turn an existing table into a partitioned one.
PARTITION = """
ALTER TABLE {table} RENAME TO {table}_plain;
CREATE TABLE {table} (LIKE {table}_plain INCLUDING DEFAULTS) PARTITION BY RANGE ({key});
DROP TABLE {table}_plain CASCADE;
ALTER TABLE {table} ADD PRIMARY KEY ({key});
"""
TABLES = {"curation_query": "id", "curation_teachercall": "id", "curation_routerdecision": "query_id"}


class Migration(migrations.Migration):
    dependencies = [("curation", "0001_initial")]

    operations = [
        *(
            migrations.RunSQL(PARTITION.format(table=table, key=key), migrations.RunSQL.noop)
            for table, key in TABLES.items()
        ),
        migrations.AddIndex(
            model_name="teachercall",
            index=models.Index(fields=["query"], name="teacher_call_by_query"),
        ),
        migrations.AddIndex(
            model_name="query",
            index=models.Index(fields=["application", "-id"], name="query_by_time"),
        ),
        migrations.AddIndex(
            model_name="query",
            index=models.Index(fields=["application", "function", "-id"], name="query_by_function"),
        ),
        migrations.AddIndex(
            model_name="query",
            index=models.Index(fields=["pattern", "-id"], name="query_by_pattern"),
        ),
        migrations.AddIndex(
            model_name="query",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.search.SearchVector("text", config="simple"), name="query_text_search"
            ),
        ),
        migrations.AddIndex(
            model_name="routerdecision",
            index=models.Index(fields=["application", "route", "-query"], name="decision_by_route"),
        ),
    ]
