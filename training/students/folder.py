"""Benchmark folders: `train.jsonl`, `valid.jsonl`, `test.jsonl` and `tools.json`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from curation.ml.calls import Call
from curation.ml.tools import ToolSetError, parse_tools
from curation.teachers.storable import problem_with_value
from training.students.base import Example

SPLITS = ("train", "valid", "test")


class FolderError(ValueError):
    """The folder cannot be read; the message says which file and line, and what is wrong there."""


@dataclass(frozen=True, slots=True)
class BenchmarkFolder:
    """The three splits and the `tools` list as it was written."""

    train: list[Example]
    valid: list[Example]
    test: list[Example]
    tools: list[dict[str, Any]]


def read_folder(folder: Path, limit: int | None = None) -> BenchmarkFolder:
    """Reads a folder; of each split only the first `limit` records, where given.

    Raises:
        FolderError: a file is missing or a record is malformed.
    """
    if not folder.is_dir():
        raise FolderError(f"{folder} is not a folder.")
    missing = [
        name for name in (*(f"{split}.jsonl" for split in SPLITS), "tools.json") if not (folder / name).is_file()
    ]
    if missing:
        raise FolderError(f"{folder} has no {' and no '.join(missing)}; a benchmark needs all four files.")
    tools = _read_tools(folder / "tools.json")
    train, valid, test = (_read_split(folder / f"{split}.jsonl", limit) for split in SPLITS)
    return BenchmarkFolder(train, valid, test, tools)


def _read_tools(path: Path) -> list[dict[str, Any]]:
    try:
        tools: list[dict[str, Any]] = _parse(path.read_bytes(), str(path))
        parse_tools(tools)
    except OSError as error:
        raise FolderError(f"{path} cannot be read: {error.strerror}.") from error
    except ToolSetError as error:
        raise FolderError(f"{path}: {error}") from error
    return tools


def _read_split(path: Path, limit: int | None) -> list[Example]:
    examples: list[Example] = []
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if limit is not None and len(examples) >= limit:
                    break
                if line.strip():
                    examples.append(_read_record(line, f"{path}, line {number}"))
    except OSError as error:
        raise FolderError(f"{path} cannot be read: {error.strerror}.") from error
    if not examples:
        raise FolderError(f"{path} holds no record.")
    return examples


def _parse(written: bytes, where: str) -> Any:
    """The JSON value, with or without a byte order mark before it."""
    try:
        value = json.loads(written.decode("utf-8-sig"), parse_constant=_refuse)
    except RecursionError as error:
        raise FolderError(f"{where} is nested too deeply.") from error
    except ValueError as error:
        raise FolderError(f"{where} is not JSON in UTF-8: {error}.") from error
    if problem := problem_with_value(value):
        raise FolderError(f"{where} cannot be used: {problem}.")
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")


def _read_record(line: bytes, where: str) -> Example:
    record = _parse(line, where)
    if not isinstance(record, dict) or not isinstance(record.get("query"), str) or "call" not in record:
        raise FolderError(f"{where} is not a record with a text `query` and a `call` (null for no call).")
    call = record["call"]
    if call is None:
        return Example(str(record.get("id", where)), record["query"], None, "no_call")
    if not isinstance(call, dict) or not isinstance(call.get("name"), str):
        raise FolderError(f"{where}: `call` has no `name`.")
    arguments = call.get("arguments", {})
    if not isinstance(arguments, dict):
        raise FolderError(f"{where}: the `arguments` of the call are not an object.")
    return Example(str(record.get("id", where)), record["query"], Call(call["name"], arguments), "simple")
