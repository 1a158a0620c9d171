"""The Celery application. Three queues: `default` computes, `io` waits for others, `training` distils."""

import os

from celery import Celery
from celery.signals import worker_ready, worker_shutting_down

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "odia_site.settings")

app = Celery("odia")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_ready.connect
def take_up_jobs(**_: object) -> None:
    """A worker has found its broker, whose messages may be gone: send what waits once more."""
    # Models can be imported only once Django is set up, which the worker sees to.
    from django.db import connections

    from curation.services.jobs import jobs_recover
    from curation.tasks import send_again

    try:
        jobs_recover(send=send_again, after_start=True)
    finally:
        connections.close_all()


@worker_shutting_down.connect
def interrupt_jobs(**_: object) -> None:
    """Jobs under way stop at their next report, and go on after the next start."""
    from curation.services.jobs import jobs_interrupt

    jobs_interrupt()
