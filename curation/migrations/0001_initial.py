import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import pgvector.django.vector
from django.conf import settings
from django.db import migrations, models
from pgvector.django import VectorExtension

import curation.identifiers


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        VectorExtension(),
        migrations.CreateModel(
            name="Application",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(unique=True)),
                ("name", models.CharField(max_length=120)),
                ("description", models.TextField(blank=True)),
                (
                    "ignored_parameters",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text='Parameters that do not count in a comparison, as "function.parameter".',
                    ),
                ),
                (
                    "exact_parameters",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text='Parameters compared character by character, as "function.parameter".',
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["name"],
                "permissions": [
                    ("read", "May look at everything"),
                    ("review", "May decide on clusters and calls"),
                    ("approve", "May approve datasets, promote and roll back"),
                    ("administer", "May change applications, keys, teachers, users and schedules"),
                ],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Query",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=curation.identifiers.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("text", models.TextField()),
                ("context", models.JSONField(default=list, help_text="Earlier messages, as OpenAI's API takes them.")),
                ("source", models.CharField(choices=[("gateway", "Gateway"), ("import", "Import")], max_length=10)),
                ("client_id", models.CharField(blank=True, max_length=200, verbose_name="user")),
                ("arrived_at", models.DateTimeField()),
                (
                    "labelled",
                    models.BooleanField(
                        default=False, help_text="Whether there is a reference call (or no call) at all."
                    ),
                ),
                (
                    "function",
                    models.CharField(blank=True, help_text="Of the reference call; empty: no call.", max_length=200),
                ),
                ("arguments", models.JSONField(default=dict)),
                (
                    "several_calls",
                    models.BooleanField(default=False, help_text="The teacher answered with more than one call."),
                ),
                ("corrected", models.BooleanField(default=False)),
                ("excluded", models.BooleanField(default=False)),
                ("latency_ms", models.FloatField(help_text="The teacher's, in milliseconds.", null=True)),
                (
                    "application",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="curation.application",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "queries",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Clustering",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("queries", models.PositiveIntegerField()),
                ("patterns", models.PositiveIntegerField()),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="clusterings",
                        to="curation.application",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Cluster",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.TextField()),
                ("function", models.CharField(blank=True, help_text="Empty: no call.", max_length=200)),
                (
                    "status",
                    models.CharField(
                        choices=[("proposed", "To decide"), ("approved", "Approved"), ("rejected", "Rejected")],
                        default="proposed",
                        max_length=10,
                    ),
                ),
                ("centroid", pgvector.django.vector.VectorField(dimensions=384)),
                ("radius", models.FloatField()),
                (
                    "simplicity",
                    models.FloatField(help_text="Estimated chance (0 to 1) that a student makes the teacher's call."),
                ),
                ("evidence", models.JSONField(help_text="What the estimate rests on; see curation.ml.evidence.")),
                (
                    "samples",
                    models.JSONField(default=dict, help_text="Query ids that are typical, borderline and odd."),
                ),
                ("queries", models.PositiveIntegerField()),
                ("share", models.FloatField(help_text="Share of the application's traffic, 0 to 1.")),
                (
                    "saved_calls",
                    models.FloatField(
                        help_text="Expected number of the teacher's calls saved: simplicity times queries."
                    ),
                ),
                (
                    "saved_ms",
                    models.FloatField(
                        help_text="Expected time of the teacher's saved, in milliseconds; empty where no latency is known.",
                        null=True,
                    ),
                ),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="clusters", to="curation.application"
                    ),
                ),
                (
                    "inherited_from",
                    models.ForeignKey(
                        blank=True,
                        help_text="The cluster whose approval it carries on.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to="curation.cluster",
                    ),
                ),
                (
                    "clustering",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="clusters", to="curation.clustering"
                    ),
                ),
            ],
            options={
                "ordering": [
                    models.OrderBy(models.F("saved_ms"), descending=True, nulls_last=True),
                    "-saved_calls",
                    "id",
                ],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Job",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("cluster", "Cluster the traffic"),
                            ("distil", "Distil a student"),
                            ("evaluate", "Evaluate a student"),
                            ("loop", "Run the loop"),
                        ],
                        max_length=20,
                    ),
                ),
                ("parameters", models.JSONField(default=dict)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Waiting"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="queued",
                        max_length=10,
                    ),
                ),
                (
                    "trigger",
                    models.CharField(
                        choices=[
                            ("page", "Page"),
                            ("admin", "Admin console"),
                            ("command", "Command"),
                            ("schedule", "Schedule"),
                        ],
                        max_length=10,
                    ),
                ),
                ("phase", models.CharField(blank=True, max_length=100)),
                ("progress", models.FloatField(default=0, help_text="0 to 1")),
                (
                    "message",
                    models.TextField(blank=True, help_text="What it does now, or what went wrong, in a sentence."),
                ),
                ("cancel_requested", models.BooleanField(default=False)),
                ("result", models.JSONField(default=dict, help_text="What it made.")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("started_at", models.DateTimeField(null=True)),
                ("heartbeat_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="jobs", to="curation.application"
                    ),
                ),
                (
                    "started_by",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Pattern",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(help_text="SHA-256 of the normalised template.", max_length=64)),
                ("template", models.TextField()),
                (
                    "function",
                    models.CharField(
                        blank=True, help_text="The commonest in its queries; empty: no call.", max_length=200
                    ),
                ),
                ("queries", models.PositiveIntegerField(default=0)),
                ("embedding", pgvector.django.vector.VectorField(dimensions=384)),
                ("map_x", models.FloatField(default=0)),
                ("map_y", models.FloatField(default=0)),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="patterns", to="curation.application"
                    ),
                ),
                (
                    "cluster",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="patterns",
                        to="curation.cluster",
                    ),
                ),
            ],
            options={
                "ordering": ["-queries", "id"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="RouterDecision",
            fields=[
                (
                    "query",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="decision",
                        serialize=False,
                        to="curation.query",
                    ),
                ),
                (
                    "route",
                    models.CharField(
                        choices=[
                            ("memo", "Memo"),
                            ("student", "Student"),
                            ("teacher", "Teacher"),
                            ("fallback", "Fallback"),
                        ],
                        max_length=10,
                    ),
                ),
                ("reason", models.CharField(help_text="Why this route, in a few words.", max_length=200)),
                (
                    "student",
                    models.CharField(blank=True, help_text="Version of the student that was asked.", max_length=100),
                ),
                ("function", models.CharField(blank=True, help_text="Of the student's call.", max_length=200)),
                ("arguments", models.JSONField(default=dict)),
                ("confidence", models.FloatField(null=True)),
                ("threshold", models.FloatField(null=True)),
                ("steps", models.JSONField(default=dict, help_text="Milliseconds spent in each step.")),
                ("total_ms", models.FloatField()),
                ("status", models.PositiveSmallIntegerField(default=200, help_text="HTTP status of the answer.")),
                (
                    "agrees",
                    models.BooleanField(
                        help_text="Whether the student's call is the teacher's, where both are known.", null=True
                    ),
                ),
                ("decided_at", models.DateTimeField()),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.AddField(
            model_name="query",
            name="pattern",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                to="curation.pattern",
            ),
        ),
        migrations.CreateModel(
            name="Review",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "decision",
                    models.CharField(
                        choices=[
                            ("approve", "Approved"),
                            ("reject", "Rejected"),
                            ("exclude", "Excluded an example"),
                            ("include", "Took an example back in"),
                            ("correct", "Corrected a call"),
                            ("undo", "Undone"),
                        ],
                        max_length=10,
                    ),
                ),
                ("query_id", models.UUIDField(null=True)),
                ("before", models.JSONField()),
                ("after", models.JSONField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="reviews", to="curation.application"
                    ),
                ),
                (
                    "cluster",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="reviews",
                        to="curation.cluster",
                    ),
                ),
                (
                    "reviewer",
                    models.ForeignKey(
                        help_text="Empty: the policy decided.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "undoes",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="undone_by",
                        to="curation.review",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Teacher",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "base_url",
                    models.CharField(help_text="Ends in /v1 as a rule.", max_length=500, verbose_name="base URL"),
                ),
                ("model", models.CharField(max_length=200)),
                (
                    "api_key_env",
                    models.CharField(
                        blank=True,
                        help_text="Name of an environment variable.",
                        max_length=100,
                        verbose_name="variable with the API key",
                    ),
                ),
                ("timeout_seconds", models.FloatField(default=60.0)),
                (
                    "input_price",
                    models.DecimalField(
                        decimal_places=4, default=0, help_text="Price of a million input tokens.", max_digits=10
                    ),
                ),
                (
                    "output_price",
                    models.DecimalField(
                        decimal_places=4, default=0, help_text="Price of a million output tokens.", max_digits=10
                    ),
                ),
                (
                    "application",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="teacher", to="curation.application"
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="TeacherCall",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=curation.identifiers.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("inline", "Answer to the application"),
                            ("label", "Label"),
                            ("resample", "Asked again"),
                            ("audit", "Audit"),
                        ],
                        max_length=10,
                    ),
                ),
                ("model", models.CharField(blank=True, max_length=200)),
                ("function", models.CharField(blank=True, max_length=200)),
                ("arguments", models.JSONField(default=dict)),
                ("several_calls", models.BooleanField(default=False)),
                ("latency_ms", models.FloatField(null=True)),
                ("prompt_tokens", models.PositiveIntegerField(default=0)),
                ("completion_tokens", models.PositiveIntegerField(default=0)),
                ("called_at", models.DateTimeField()),
                (
                    "application",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="curation.application",
                    ),
                ),
                (
                    "query",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="teacher_calls",
                        to="curation.query",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="ToolSetVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sha256", models.CharField(max_length=64)),
                ("tools", models.JSONField(help_text="As OpenAI's chat completions API takes them.")),
                ("first_seen_at", models.DateTimeField(auto_now_add=True)),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="tool_sets", to="curation.application"
                    ),
                ),
            ],
            options={
                "ordering": ["-first_seen_at"],
                "default_permissions": (),
            },
        ),
        migrations.AddField(
            model_name="query",
            name="tool_set",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                to="curation.toolsetversion",
            ),
        ),
        migrations.CreateModel(
            name="TrafficHour",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("hour", models.DateTimeField()),
                (
                    "route",
                    models.CharField(
                        choices=[
                            ("memo", "Memo"),
                            ("student", "Student"),
                            ("teacher", "Teacher"),
                            ("fallback", "Fallback"),
                        ],
                        max_length=10,
                    ),
                ),
                ("source", models.CharField(choices=[("gateway", "Gateway"), ("import", "Import")], max_length=10)),
                ("requests", models.PositiveBigIntegerField(default=0)),
                ("latency_sum_ms", models.FloatField(default=0)),
                ("latency_counts", models.JSONField(default=dict, help_text="Bucket number to number of requests.")),
                (
                    "audited",
                    models.PositiveBigIntegerField(
                        default=0, help_text="Inline answers whose teacher's call is known."
                    ),
                ),
                ("disagreed", models.PositiveBigIntegerField(default=0)),
                ("prompt_tokens", models.PositiveBigIntegerField(default=0)),
                ("completion_tokens", models.PositiveBigIntegerField(default=0)),
                (
                    "application",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="curation.application"),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.AddIndex(
            model_name="cluster",
            index=models.Index(fields=["clustering", "status"], name="cluster_queue"),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["queued", "running"])),
                fields=("application", "kind", "parameters"),
                name="one_job_at_a_time_for_the_same_input",
            ),
        ),
        migrations.AddConstraint(
            model_name="pattern",
            constraint=models.UniqueConstraint(fields=("application", "key"), name="one_row_per_pattern"),
        ),
        migrations.AddField(
            model_name="routerdecision",
            name="application",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                to="curation.application",
            ),
        ),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(fields=["query_id"], name="review_by_query"),
        ),
        migrations.AddConstraint(
            model_name="toolsetversion",
            constraint=models.UniqueConstraint(fields=("application", "sha256"), name="one_row_per_tool_set"),
        ),
        migrations.AddConstraint(
            model_name="traffichour",
            constraint=models.UniqueConstraint(
                fields=("application", "hour", "route", "source"), name="one_row_per_hour"
            ),
        ),
    ]
