"""Django with a database and a broker of its own, gone at the end: for benchmarks that need no running ODIA."""

from __future__ import annotations

import os


def prepare(*, eager: bool = False) -> None:
    """To be called before anything of Django is imported. `eager` does jobs as soon as they are started."""
    import tests.embedded_services  # noqa: F401 - starts the servers, and stops them at exit

    os.environ["DJANGO_SETTINGS_MODULE"] = "odia_site.settings"

    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from odia_site.celery import app

    app.conf.task_always_eager = eager
