"""Settings from the environment. Each secret may also stand in a file named by NAME_FILE."""

from __future__ import annotations

import os
from pathlib import Path


def read(name: str, default: str = "") -> str:
    """The variable `name`, or the content of the file that `name`_FILE names, or the default."""
    if name in os.environ:
        return os.environ[name]
    path = os.environ.get(f"{name}_FILE")
    return Path(path).read_text(encoding="utf-8").strip() if path else default


def read_list(name: str, default: str = "") -> list[str]:
    """A comma-separated variable."""
    return [part.strip() for part in read(name, default).split(",") if part.strip()]


def read_flag(name: str) -> bool:
    return read(name).lower() in {"1", "true", "yes", "on"}
