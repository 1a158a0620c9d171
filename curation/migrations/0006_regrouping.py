from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("curation", "0005_purge_and_sign_in")]

    operations = [
        migrations.AddField(
            model_name="cluster",
            name="contradictions",
            field=models.JSONField(
                default=list, help_text="Ids of queries with one text and different calls, a list for each text."
            ),
        ),
        migrations.AddField(
            model_name="cluster",
            name="note",
            field=models.TextField(blank=True, default="", help_text="What a person should know before deciding."),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="cluster",
            name="replaced_by",
            field=models.ManyToManyField(
                help_text="The clusters that a split or merge put here.",
                related_name="replaces",
                to="curation.cluster",
            ),
        ),
        migrations.AddField(
            model_name="clustering",
            name="teacher_ms",
            field=models.FloatField(help_text="The teacher's time; empty where no latency is known.", null=True),
        ),
        migrations.AddField(
            model_name="pattern",
            name="tally",
            field=models.JSONField(
                default=dict, help_text="Its part in its cluster's evidence; see curation.ml.tallies."
            ),
        ),
    ]
