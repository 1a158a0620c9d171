"""Answers of a challenger in the shadow, and inline answers that wait for their audit."""

import django.db.models.deletion
from django.db import migrations, models

# As in 0002: partitioned by time while it is empty.
PARTITION = """
ALTER TABLE curation_shadowanswer RENAME TO curation_shadowanswer_plain;
CREATE TABLE curation_shadowanswer (LIKE curation_shadowanswer_plain INCLUDING DEFAULTS) PARTITION BY RANGE (query_id);
DROP TABLE curation_shadowanswer_plain CASCADE;
ALTER TABLE curation_shadowanswer ADD PRIMARY KEY (query_id);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("curation", "0002_partitions"),
    ]

    operations = [
        migrations.CreateModel(
            name="ShadowAnswer",
            fields=[
                (
                    "query",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="shadow",
                        serialize=False,
                        to="curation.query",
                    ),
                ),
                ("student", models.CharField(help_text="Version of the challenger.", max_length=100)),
                ("function", models.CharField(blank=True, help_text="Of its call; empty: it refused.", max_length=200)),
                ("arguments", models.JSONField(default=dict)),
                ("confidence", models.FloatField()),
                ("threshold", models.FloatField(null=True)),
                ("answered_at", models.DateTimeField()),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.AddField(
            model_name="routerdecision",
            name="audit_due",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Whether the teacher is still to be asked about this inline answer.",
            ),
        ),
        migrations.AddField(
            model_name="routerdecision",
            name="audit_request",
            field=models.JSONField(
                help_text="The request as it came, but for its tools, as long as the audit is due.", null=True
            ),
        ),
        migrations.AddIndex(
            model_name="routerdecision",
            index=models.Index(
                condition=models.Q(("audit_due", True)), fields=["application", "-query"], name="audits_due"
            ),
        ),
        migrations.AddField(
            model_name="shadowanswer",
            name="application",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                to="curation.application",
            ),
        ),
        migrations.RunSQL(PARTITION, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="shadowanswer",
            index=models.Index(fields=["application", "student", "-query"], name="shadow_by_student"),
        ),
    ]
