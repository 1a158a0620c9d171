from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("curation", "0004_dashboard")]

    operations = [
        migrations.CreateModel(
            name="SignInFailure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("username", models.CharField(help_text="As it was typed, in lower case.", max_length=150)),
                ("address", models.CharField(help_text="Where the request came from.", max_length=45)),
                ("failed_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(fields=["username", "failed_at"], name="sign_in_failures")],
            },
        ),
        migrations.AlterField(
            model_name="job",
            name="kind",
            field=models.CharField(
                choices=[
                    ("cluster", "Cluster the traffic"),
                    ("build", "Build a dataset"),
                    ("distil", "Distil a student"),
                    ("evaluate", "Evaluate a student"),
                    ("loop", "Run the loop"),
                    ("purge", "Delete old queries"),
                ],
                max_length=20,
            ),
        ),
    ]
