"""Where artifacts are kept: any address that fsspec knows."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import fsspec


def upload(folder: Path, url: str, *, replace: bool = False) -> None:
    """Copy an artifact folder to `url`, which must not exist yet unless it is replaced."""
    filesystem, path = fsspec.core.url_to_fs(url)
    if replace and filesystem.exists(path):
        filesystem.rm(path, recursive=True)
    filesystem.makedirs(path, exist_ok=False)
    for file in sorted(folder.iterdir()):
        filesystem.put_file(str(file), f"{path}/{file.name}")


def local_copy(url: str, cache: Path) -> Path:
    """The folder of an artifact on this machine: itself if it lies here, else a copy kept in `cache`.

    Raises:
        FileNotFoundError: there is nothing at `url`.
    """
    filesystem, path = fsspec.core.url_to_fs(url)
    if "file" in filesystem.protocol:
        return Path(path)
    target = cache / path.rstrip("/").rsplit("/", 1)[-1]
    if not target.exists():
        cache.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=cache))
        for source in filesystem.ls(path, detail=False):
            filesystem.get_file(source, str(partial / source.rsplit("/", 1)[-1]))
        try:
            partial.rename(target)
        except OSError:  # another process was faster
            shutil.rmtree(partial)
    return target
