"""Towards a whole student only answers count that chance picked for an audit. Its counts begin anew, since of the old
ones nobody can tell which those were."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def begin_anew(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("training", "AuditTally").objects.filter(function="").delete()


class Migration(migrations.Migration):
    dependencies = [
        ("training", "0011_autopilot"),
    ]

    operations = [
        migrations.AddField(
            model_name="audittally",
            name="picked",
            field=models.PositiveIntegerField(
                db_default=0,
                default=0,
                help_text="Of a function's: those that chance picked, so that the whole counts them.",
            ),
        ),
        migrations.AddField(
            model_name="audittally",
            name="picked_disagreed",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.RunPython(begin_anew, migrations.RunPython.noop),
    ]
