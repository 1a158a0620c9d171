"""The files of a student on disk, and the manifest that proves them whole."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

MANIFEST = "manifest.json"
COMMON_FILES = ("memo.json", "meta.json")
"""What the artifact of every family holds, besides the family's own files."""


class ArtifactError(ValueError):
    """The folder holds no whole student; the message says what is wrong."""


@contextmanager
def written_whole(folder: Path) -> Iterator[Path]:
    """A folder to write into that takes its final name, with its manifest, only when everything is there."""
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        write_manifest(partial)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_manifest(folder: Path) -> None:
    hashes = {path.name: hash_file(path) for path in sorted(folder.iterdir()) if path.name != MANIFEST}
    (folder / MANIFEST).write_text(json.dumps(hashes, indent=1))


def verify_manifest(folder: Path) -> None:
    """Raises ArtifactError where a file that the manifest names is missing or was changed."""
    try:
        hashes: dict[str, str] = json.loads((folder / MANIFEST).read_text())
    except FileNotFoundError as error:
        raise ArtifactError(f"{folder} holds no student: it has no {MANIFEST}.") from error
    except ValueError as error:
        raise ArtifactError(f"The {MANIFEST} in {folder} is not JSON.") from error
    require_files(folder, COMMON_FILES)
    for name, expected in hashes.items():
        _verify_file(folder / name, expected)


def require_files(folder: Path, names: Iterable[str]) -> None:
    """Raises ArtifactError where the manifest does not name one of these files."""
    hashes = json.loads((folder / MANIFEST).read_text())
    for name in names:
        if name not in hashes:
            raise ArtifactError(f"The {MANIFEST} in {folder} does not name {name}.")


def _verify_file(path: Path, expected: str) -> None:
    if not path.is_file():
        raise ArtifactError(f"{path.name} is missing from {path.parent}, though the manifest names it.")
    if hash_file(path) != expected:
        raise ArtifactError(f"{path.name} in {path.parent} is not the file that the manifest was written for.")


def hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def megabytes(folder: Path, names: Iterable[str]) -> float:
    """Size of these files of the folder, in MB of a million bytes."""
    return sum((folder / name).stat().st_size for name in names) / 1e6
