import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

STEPS = [
    ("label", "Ask the teacher about queries without an answer"),
    ("cluster", "Cluster new traffic"),
    ("approve_clusters", "Approve clusters by the policy"),
    ("build", "Build a dataset"),
    ("approve_dataset", "Approve the dataset"),
    ("distil", "Distil a student"),
    ("evaluate", "Evaluate champion and challenger on the same examples"),
    ("canary", "Try the student on a part of the users"),
    ("widen", "Widen the canary, or end the trial"),
    ("promote", "Promote the student"),
]


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("training", "0010_jobs"),
    ]

    operations = [
        migrations.AddField(
            model_name="autopilot",
            name="quiet_minutes",
            field=models.PositiveIntegerField(
                default=5,
                help_text="So long nobody has decided on a cluster or a call: who is deciding is let finish.",
                verbose_name="minutes of quiet before a build",
            ),
        ),
        migrations.AddField(
            model_name="autopilotaction",
            name="subject",
            field=models.CharField(blank=True, help_text="What it asks about: it asks once.", max_length=200),
        ),
        migrations.AddField(
            model_name="autopilotaction",
            name="user",
            field=models.ForeignKey(
                help_text="Empty: the policy.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="autopilotaction",
            name="step",
            field=models.CharField(blank=True, choices=STEPS, help_text="Empty: its settings.", max_length=20),
        ),
    ]
