"""Audits, what they switch off, the challenger's canary and shadow, and the limits and last use of keys."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("curation", "0003_shadow_and_audits"),
        ("training", "0003_simplicity_of_students"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="apikey",
            name="last_used_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="apikey",
            name="minute",
            field=models.DateTimeField(blank=True, editable=False, help_text="The last one with requests.", null=True),
        ),
        migrations.AddField(
            model_name="apikey",
            name="minute_requests",
            field=models.PositiveIntegerField(default=0, editable=False, help_text="In that minute."),
        ),
        migrations.AddField(
            model_name="apikey",
            name="requests_per_minute",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="At most, over all gateways; empty: no limit.",
                null=True,
                verbose_name="requests a minute",
            ),
        ),
        migrations.AddField(
            model_name="routingpolicy",
            name="audit_share",
            field=models.FloatField(
                default=0.05,
                help_text="Share of inline answers about which the teacher is asked again.",
                validators=[
                    django.core.validators.MinValueValidator(0.0),
                    django.core.validators.MaxValueValidator(1.0),
                ],
                verbose_name="share audited",
            ),
        ),
        migrations.AddField(
            model_name="routingpolicy",
            name="canary_share",
            field=models.FloatField(
                default=0.0,
                help_text="Share of users whose requests the challenger answers; a request without a user goes by its key.",
                validators=[
                    django.core.validators.MinValueValidator(0.0),
                    django.core.validators.MaxValueValidator(1.0),
                ],
                verbose_name="canary share",
            ),
        ),
        migrations.AddField(
            model_name="routingpolicy",
            name="function_epsilon",
            field=models.FloatField(
                default=0.05,
                help_text="A function above it is switched off by the audits.",
                validators=[
                    django.core.validators.MinValueValidator(0.0),
                    django.core.validators.MaxValueValidator(1.0),
                ],
                verbose_name="disagreement allowed for one function",
            ),
        ),
        migrations.AddField(
            model_name="routingpolicy",
            name="shadow",
            field=models.BooleanField(
                default=False,
                help_text="On: the challenger's answers are recorded beside the champion's, and never sent.",
                verbose_name="shadow the challenger",
            ),
        ),
        migrations.CreateModel(
            name="AuditTally",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("function", models.CharField(blank=True, help_text="Empty: all functions together.", max_length=200)),
                ("audited", models.PositiveIntegerField(default=0)),
                ("disagreed", models.PositiveIntegerField(default=0)),
                (
                    "student",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="tallies", to="training.student"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "audit tallies",
                "ordering": ["function"],
                "default_permissions": (),
                "constraints": [models.UniqueConstraint(fields=("student", "function"), name="one_tally_per_function")],
            },
        ),
        migrations.CreateModel(
            name="SwitchOff",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("function", models.CharField(blank=True, help_text="Empty: the whole student.", max_length=200)),
                ("reason", models.TextField(help_text="Why, in a sentence with its figures.")),
                (
                    "evidence",
                    models.JSONField(default=dict, help_text="Audited, disagreed, what was allowed, and the e-value."),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("lifted_at", models.DateTimeField(null=True)),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="switch_offs",
                        to="curation.application",
                    ),
                ),
                (
                    "lifted_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "student",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="switch_offs", to="training.student"
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("lifted_at", None)),
                        fields=("student", "function"),
                        name="switched_off_once",
                    )
                ],
            },
        ),
    ]
