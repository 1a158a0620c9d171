"""The gateways of one machine keep their metrics in one folder, so that each can show those of all."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import psutil

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
FILES = ("counter", "histogram", "gauge_livesum", "gauge_livemax")
FILE_BYTES = 1024 * 1024
"""What prometheus_client maps of each."""

logger = logging.getLogger(__name__)


def share_metrics(folder: Path) -> None:
    """Keep metrics in files, where the other gateways of this machine find them.

    Must run before prometheus_client is imported. What the gauges of dead processes say is forgotten; their counts
    go on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _take_room(folder)
    except OSError as error:
        logger.error("The disk has no room for metrics; this gateway shows its own alone: %s", error)
        return
    os.environ[SHARED_FOLDER] = str(folder)
    for path in folder.glob("gauge_live*_*.db"):
        if not psutil.pid_exists(int(path.stem.rpartition("_")[2])):
            path.unlink(missing_ok=True)


def _take_room(folder: Path) -> None:
    """On a disk that fills up later, the kernel would end a process that writes to a mapped page without a block."""
    for kind in FILES:
        path = folder / f"{kind}_{os.getpid()}.db"
        with path.open("ab") as file:
            try:
                os.posix_fallocate(file.fileno(), 0, FILE_BYTES)
            except OSError:
                path.unlink()
                raise
