"""A pytest plugin, loaded before the settings: the tests' own PostgreSQL and Valkey in a temporary folder.

Each test run has its own, on Unix sockets, so that several runs and a running `manage.py up` never meet. Servers
named by DATABASE_URL and CELERY_BROKER_URL are used in their place.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from odia_site.embedded import EmbeddedPostgres, EmbeddedValkey

_folder = Path(tempfile.mkdtemp(prefix="odia-test-"))
_started: list[EmbeddedPostgres | EmbeddedValkey] = []
# Database server processes may run as a user of their own, who must reach their data.
_folder.chmod(0o755)
os.environ["ODIA_DATA_DIR"] = str(_folder)
for _name, _service in (("DATABASE_URL", EmbeddedPostgres), ("CELERY_BROKER_URL", EmbeddedValkey)):
    if _name not in os.environ:
        _started.append(_service(_folder))
        os.environ[_name] = _started[-1].start()


@atexit.register
def stop() -> None:
    for service in _started:
        service.stop()
    shutil.rmtree(_folder, ignore_errors=True)
