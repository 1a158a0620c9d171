"""The teacher's API key: kept in the environment, never in the database."""

from __future__ import annotations

import os
import re
from pathlib import Path

OWN_PREFIXES = ("ODIA_", "DATABASE_", "CELERY_")


class SecretError(ValueError):
    """The key cannot be had; the message says why and what to do."""


def check_variable(name: str) -> None:
    """Whether a variable of this name may hold a teacher's key. A teacher is sent its value.

    Raises:
        SecretError: it is no name, or one of ODIA's own secrets.
    """
    if not re.fullmatch(r"[A-Za-z_]\w*", name):
        raise SecretError("Write the name of an environment variable, not the key itself.")
    if name.upper().startswith(OWN_PREFIXES):
        raise SecretError("This variable is ODIA's own. Keep the teacher's key in one of its own.")


def read_key(name: str) -> str:
    """The key in the variable `name`, or in the file that NAME_FILE names; empty where no name is given.

    Raises:
        SecretError: neither is set, the file cannot be read, or what it holds can stand in no HTTP header.
    """
    key = _read(name).strip()
    if not key.isprintable() or not key.isascii():
        raise SecretError(f"The teacher's API key in {name} holds characters that no key can hold.")
    return key


def _read(name: str) -> str:
    if not name or name in os.environ:
        return os.environ.get(name, "")
    try:
        return Path(os.environ[f"{name}_FILE"]).read_text(encoding="utf-8")
    except (KeyError, OSError, UnicodeDecodeError) as error:
        raise SecretError(f"The teacher's API key is not set: set the variable {name} or {name}_FILE.") from error
