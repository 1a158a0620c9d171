import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Cast, Concat, Lower

from training.models.datasets import Fingerprint, OneSpaced


class Migration(migrations.Migration):
    dependencies = [
        ("training", "0007_verdicts"),
    ]

    operations = [
        migrations.AddField(
            model_name="dataset",
            name="choices",
            field=models.JSONField(default=dict, help_text="What was chosen at its building, see BuildChoices."),
        ),
        migrations.AddField(
            model_name="dataset",
            name="history",
            field=models.JSONField(default=list, help_text="Who approved it, and who took that back, in order."),
        ),
        migrations.AddField(
            model_name="distillationrun",
            name="based_on",
            field=models.ForeignKey(
                help_text="The run whose settings were changed for this one.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                to="training.distillationrun",
            ),
        ),
        migrations.AddField(
            model_name="datasetexample",
            name="text_key",
            field=models.GeneratedField(
                db_persist=True, expression=Fingerprint(OneSpaced(Lower("text"))), output_field=models.BigIntegerField()
            ),
        ),
        migrations.AddField(
            model_name="datasetexample",
            name="call_key",
            field=models.GeneratedField(
                db_persist=True,
                expression=Fingerprint(Concat("function", Cast("arguments", models.TextField()))),
                output_field=models.BigIntegerField(),
            ),
        ),
        migrations.RemoveIndex(model_name="datasetexample", name="example_by_split"),
        migrations.AlterField(
            model_name="datasetexample",
            name="dataset",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="examples",
                to="training.dataset",
            ),
        ),
        migrations.AddIndex(
            model_name="datasetexample",
            index=models.Index(fields=["dataset", "id"], name="example_by_dataset"),
        ),
        migrations.AddIndex(
            model_name="datasetexample",
            index=models.Index(fields=["dataset", "split", "function", "id"], name="example_by_split"),
        ),
        migrations.AddIndex(
            model_name="datasetexample",
            index=models.Index(
                fields=["dataset", "text_key", "call_key"], include=("split", "route"), name="example_by_text"
            ),
        ),
    ]
