"""Lost jobs are taken up instead of failed, and the loop is no job."""

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def forget_old_schedule(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """No worker knows the task any more that the schedule of before names."""
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(task="curation.tasks.fail_lost_jobs").delete()


class Migration(migrations.Migration):
    dependencies = [
        ("curation", "0008_jobs"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]
    operations = [
        migrations.RunPython(forget_old_schedule, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="job",
            name="kind",
            field=models.CharField(
                choices=[
                    ("label", "Ask the teacher"),
                    ("cluster", "Cluster the traffic"),
                    ("build", "Build a dataset"),
                    ("distil", "Distil a student"),
                    ("evaluate", "Evaluate a student"),
                    ("drift", "Look for drift"),
                    ("purge", "Delete old queries"),
                    ("forget", "Delete a user’s queries"),
                ],
                max_length=20,
            ),
        ),
    ]
