"""The file in the data directory through which commands find the services that `manage.py up` runs."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

FILE_NAME = "services.json"
KEY_FILE_NAME = "secret_key"


@dataclass(frozen=True, slots=True)
class Services:
    """Where the running services are reached."""

    database_url: str
    broker_url: str
    gateway_url: str = ""


def read_services(data_dir: Path) -> Services | None:
    """The services that were last started with this data directory; None if none were."""
    path = data_dir / FILE_NAME
    return Services(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


def write_services(data_dir: Path, services: Services) -> None:
    temporary = data_dir / f"{FILE_NAME}.new"
    temporary.write_text(json.dumps(asdict(services), indent=2), encoding="utf-8")
    temporary.chmod(0o600)
    temporary.replace(data_dir / FILE_NAME)


def forget_services(data_dir: Path) -> None:
    (data_dir / FILE_NAME).unlink(missing_ok=True)


def secret_key(data_dir: Path) -> str:
    """The secret key of this data directory, made at its first use."""
    path = data_dir / KEY_FILE_NAME
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48), encoding="utf-8")
    return path.read_text(encoding="utf-8").strip()
