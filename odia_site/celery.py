"""The Celery application. Two queues: `default`, and `training`, which one process works off."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "odia_site.settings")

app = Celery("odia")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
