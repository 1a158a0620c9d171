"""The hours tell apart the audits that chance picked. Of the old ones nobody can tell which those were: they stand as
they did."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import F


def count_the_old(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("curation", "TrafficHour").objects.filter(audited__gt=0).update(picked=F("audited"))


class Migration(migrations.Migration):
    dependencies = [
        ("curation", "0011_unusable_answers"),
    ]

    operations = [
        migrations.AddField(
            model_name="traffichour",
            name="picked",
            field=models.PositiveBigIntegerField(
                db_default=0,
                default=0,
                help_text="Of the audited: those that chance picked, so that they stand for all.",
            ),
        ),
        migrations.RenameField(model_name="traffichour", old_name="disagreed", new_name="picked_disagreed"),
        migrations.AlterField(
            model_name="traffichour",
            name="picked_disagreed",
            field=models.PositiveBigIntegerField(db_default=0, default=0),
        ),
        migrations.RunPython(count_the_old, migrations.RunPython.noop),
    ]
