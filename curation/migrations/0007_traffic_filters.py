"""Indexes for the conditions of the traffic page that few queries meet."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("curation", "0006_regrouping")]

    operations = [
        migrations.AddIndex(
            model_name="query",
            index=models.Index(fields=["application", "client_id", "-id"], name="query_by_user"),
        ),
        migrations.AddIndex(
            model_name="query",
            index=models.Index(
                fields=["application", "-id"], condition=models.Q(labelled=False), name="queries_unlabelled"
            ),
        ),
        migrations.AddIndex(
            model_name="query",
            index=models.Index(
                fields=["application", "-id"], condition=models.Q(corrected=True), name="queries_corrected"
            ),
        ),
        migrations.AddIndex(
            model_name="query",
            index=models.Index(
                fields=["application", "-id"], condition=models.Q(excluded=True), name="queries_excluded"
            ),
        ),
        migrations.AddIndex(
            model_name="routerdecision",
            index=models.Index(
                fields=["application", "-query"], condition=models.Q(agrees=False), name="decision_disagrees"
            ),
        ),
    ]
