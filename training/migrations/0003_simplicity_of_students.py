"""Simplicity now is the agreement to expect of a student, no longer that of its weaker stand-in: limits move along."""

import django.core.validators
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

STUDENT_ODDS = 2.2


def to_students(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    _scale(apps, STUDENT_ODDS)


def to_stand_ins(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    _scale(apps, 1 / STUDENT_ODDS)


def _scale(apps: Apps, odds: float) -> None:
    for policy in apps.get_model("training", "RoutingPolicy").objects.all():
        limit = policy.approve_simplicity
        policy.approve_simplicity = round(odds * limit / (1 - limit + odds * limit), 2)
        policy.save(update_fields=["approve_simplicity"])


class Migration(migrations.Migration):
    dependencies = [("training", "0002_causal_family")]

    operations = [
        migrations.AlterField(
            model_name="routingpolicy",
            name="approve_simplicity",
            field=models.FloatField(
                default=0.75,
                help_text="Of a cluster that the policy approves.",
                validators=[
                    django.core.validators.MinValueValidator(0.0),
                    django.core.validators.MaxValueValidator(1.0),
                ],
                verbose_name="least simplicity",
            ),
        ),
        migrations.RunPython(to_students, to_stand_ins),
    ]
