import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("curation", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("label", models.CharField(blank=True, max_length=100)),
                ("prefix", models.CharField(help_text="Its first characters, to tell keys apart.", max_length=12)),
                ("sha256", models.CharField(max_length=64, unique=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="api_keys", to="curation.application"
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Dataset",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField(help_text="Counts up from 1 in each application.")),
                (
                    "status",
                    models.CharField(
                        choices=[("draft", "Draft"), ("approved", "Approved")], default="draft", max_length=10
                    ),
                ),
                ("sha256", models.CharField(help_text="Of the canonical JSON of its examples.", max_length=64)),
                (
                    "funnel",
                    models.JSONField(help_text="Queries received, in approved clusters, usable, distinct, selected."),
                ),
                ("balance", models.JSONField(default=dict, help_text="Examples per split and function.")),
                (
                    "clusters",
                    models.JSONField(default=list, help_text="Ids of the approved clusters it was drawn from."),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("approved_at", models.DateTimeField(null=True)),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="datasets", to="curation.application"
                    ),
                ),
                (
                    "approved_by",
                    models.ForeignKey(
                        help_text="Empty: policy.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "built_by",
                    models.ForeignKey(
                        help_text="Empty: policy.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "tool_set",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="curation.toolsetversion"),
                ),
            ],
            options={
                "ordering": ["-id"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="DatasetExample",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "split",
                    models.CharField(
                        choices=[("train", "Train"), ("calibration", "Calibration"), ("test", "Test")], max_length=12
                    ),
                ),
                (
                    "route",
                    models.CharField(
                        choices=[("simple", "Simple"), ("complex", "Complex"), ("no_call", "No call")], max_length=10
                    ),
                ),
                ("query_id", models.UUIDField()),
                ("text", models.TextField()),
                ("function", models.CharField(blank=True, max_length=200)),
                ("arguments", models.JSONField(default=dict)),
                ("weight", models.PositiveIntegerField(help_text="How often the query came.")),
                (
                    "dataset",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="examples", to="training.dataset"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="DistillationRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("family", models.CharField(choices=[("encoder", "Encoder")], default="encoder", max_length=10)),
                (
                    "config",
                    models.JSONField(
                        default=dict, help_text="Settings of the family, see training.students.encoder.config."
                    ),
                ),
                ("curve", models.JSONField(default=list, help_text="Points of the training curves.")),
                ("log", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="runs", to="curation.application"
                    ),
                ),
                (
                    "dataset",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="runs", to="training.dataset"
                    ),
                ),
                (
                    "job",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="run", to="curation.job"
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Evaluation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("threshold", models.FloatField(null=True)),
                ("figures", models.JSONField(help_text="As `manage.py benchmark` prints them.")),
                ("curve", models.JSONField(help_text="Points of the risk-coverage curve.")),
                ("per_function", models.JSONField(help_text="The worst first.")),
                (
                    "system_latency",
                    models.JSONField(help_text="Expected, median and p90 with and without ODIA, in milliseconds."),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "dataset",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="evaluations", to="training.dataset"
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="EvaluationExample",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("query_id", models.UUIDField()),
                ("text", models.TextField()),
                (
                    "route",
                    models.CharField(
                        choices=[("simple", "Simple"), ("complex", "Complex"), ("no_call", "No call")], max_length=10
                    ),
                ),
                ("weight", models.PositiveIntegerField()),
                ("function", models.CharField(blank=True, max_length=200)),
                ("arguments", models.JSONField(default=dict)),
                ("student_function", models.CharField(blank=True, max_length=200)),
                ("student_arguments", models.JSONField(default=dict)),
                ("confidence", models.FloatField()),
                (
                    "served_by",
                    models.CharField(blank=True, help_text="memo, student, or empty: the teacher.", max_length=10),
                ),
                ("agrees", models.BooleanField()),
                (
                    "verdict",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("student", "The student was right"),
                            ("teacher", "The teacher was right"),
                            ("both", "Both were right"),
                            ("neither", "Neither was right"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "evaluation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="examples", to="training.evaluation"
                    ),
                ),
                (
                    "judged_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ["-confidence", "id"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="RoutingPolicy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "inline",
                    models.BooleanField(
                        default=True, help_text="Off: everything goes to the teacher.", verbose_name="answer inline"
                    ),
                ),
                (
                    "epsilon",
                    models.FloatField(
                        default=0.02,
                        help_text="Share of inline answers that may differ.",
                        validators=[
                            django.core.validators.MinValueValidator(0.0),
                            django.core.validators.MaxValueValidator(1.0),
                        ],
                        verbose_name="disagreement allowed",
                    ),
                ),
                (
                    "allow_context",
                    models.BooleanField(
                        default=False,
                        help_text="Off: a conversation with earlier turns goes to the teacher.",
                        verbose_name="answer with earlier turns",
                    ),
                ),
                (
                    "switched_off",
                    models.JSONField(blank=True, default=list, help_text="Functions that only the teacher answers."),
                ),
                (
                    "approve_simplicity",
                    models.FloatField(
                        default=0.6,
                        help_text="Of a cluster that the policy approves.",
                        validators=[
                            django.core.validators.MinValueValidator(0.0),
                            django.core.validators.MaxValueValidator(1.0),
                        ],
                        verbose_name="least simplicity",
                    ),
                ),
                (
                    "approve_purity",
                    models.FloatField(
                        default=0.7,
                        help_text="Lower bound, of a cluster that the policy approves.",
                        validators=[
                            django.core.validators.MinValueValidator(0.0),
                            django.core.validators.MaxValueValidator(1.0),
                        ],
                        verbose_name="least purity",
                    ),
                ),
                (
                    "approve_queries",
                    models.PositiveIntegerField(
                        default=20, help_text="In a cluster that the policy approves.", verbose_name="least queries"
                    ),
                ),
                (
                    "application",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="policy", to="curation.application"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "routing policies",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Student",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.CharField(help_text="Application, family and number.", max_length=100, unique=True)),
                ("family", models.CharField(choices=[("encoder", "Encoder")], max_length=10)),
                ("artifact", models.CharField(help_text="URL of its folder.", max_length=500)),
                ("manifest_sha256", models.CharField(max_length=64)),
                ("epsilon", models.FloatField(help_text="Disagreement allowed when its threshold was certified.")),
                (
                    "threshold",
                    models.FloatField(help_text="Empty: no threshold meets epsilon; not eligible.", null=True),
                ),
                ("certified_bound", models.FloatField(null=True)),
                ("report", models.JSONField(help_text="What its training measured.")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="students", to="curation.application"
                    ),
                ),
                (
                    "dataset",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="students", to="training.dataset"
                    ),
                ),
                (
                    "run",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="student",
                        to="training.distillationrun",
                    ),
                ),
                (
                    "tool_set",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="curation.toolsetversion"),
                ),
            ],
            options={
                "ordering": ["-id"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Promotion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "alias",
                    models.CharField(choices=[("champion", "Champion"), ("challenger", "Challenger")], max_length=12),
                ),
                ("checks", models.JSONField(default=list, help_text="Each condition with its evidence.")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="promotions",
                        to="curation.application",
                    ),
                ),
                (
                    "promoted_by",
                    models.ForeignKey(
                        help_text="Empty: policy.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "rolled_back",
                    models.ForeignKey(
                        help_text="The promotion that this one takes back.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="training.promotion",
                    ),
                ),
                (
                    "previous",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="training.student"
                    ),
                ),
                (
                    "student",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="promotions",
                        to="training.student",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "default_permissions": (),
            },
        ),
        migrations.AddField(
            model_name="evaluation",
            name="student",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="evaluations", to="training.student"
            ),
        ),
        migrations.CreateModel(
            name="Alias",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "name",
                    models.CharField(choices=[("champion", "Champion"), ("challenger", "Challenger")], max_length=12),
                ),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="aliases", to="curation.application"
                    ),
                ),
                (
                    "student",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="aliases", to="training.student"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "aliases",
                "default_permissions": (),
            },
        ),
        migrations.AddConstraint(
            model_name="dataset",
            constraint=models.UniqueConstraint(fields=("application", "version"), name="one_row_per_dataset_version"),
        ),
        migrations.AddIndex(
            model_name="datasetexample",
            index=models.Index(fields=["dataset", "split", "function"], name="example_by_split"),
        ),
        migrations.AddIndex(
            model_name="evaluationexample",
            index=models.Index(fields=["evaluation", "agrees", "-confidence"], name="disagreements"),
        ),
        migrations.AddConstraint(
            model_name="alias",
            constraint=models.UniqueConstraint(fields=("application", "name"), name="one_student_per_alias"),
        ),
    ]
