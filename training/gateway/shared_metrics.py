"""The gateways of one machine keep their metrics in one folder, so that each can show those of all."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def share_metrics(folder: Path) -> None:
    """Keep metrics in files, where the other gateways of this machine find them.

    Must run before prometheus_client is imported. What the gauges of dead processes say is forgotten; their counts
    go on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    os.environ[SHARED_FOLDER] = str(folder)
    for path in folder.glob("gauge_live*_*.db"):
        if not psutil.pid_exists(int(path.stem.rpartition("_")[2])):
            path.unlink(missing_ok=True)
