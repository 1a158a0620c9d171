"""What must hold of reading a benchmark folder: bad input gets one sentence that names the place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.training.students.conftest import TOOLS
from training.students.folder import FolderError, read_folder

CALL = {"id": "1", "query": "play Blur", "call": {"name": "play_music", "arguments": {"artist": "Blur"}}}
NO_CALL = {"id": "2", "query": "hello", "call": None}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for split in ("train", "valid", "test"):
        _write(tmp_path, split, json.dumps(CALL), json.dumps(NO_CALL))
    (tmp_path / "tools.json").write_text(json.dumps(TOOLS))
    return tmp_path


def _write(folder: Path, split: str, *lines: str) -> None:
    (folder / f"{split}.jsonl").write_text("\n".join(lines))


def test_calls_are_simple_and_nulls_are_no_calls(folder: Path) -> None:
    data = read_folder(folder)
    assert [(one.query, one.route) for one in data.train] == [("play Blur", "simple"), ("hello", "no_call")]
    assert data.tools == TOOLS


def test_the_limit_counts_for_each_file(folder: Path) -> None:
    data = read_folder(folder, limit=1)
    assert [len(split) for split in (data.train, data.valid, data.test)] == [1, 1, 1]


@pytest.mark.parametrize("name", ["train.jsonl", "valid.jsonl", "test.jsonl", "tools.json"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(FolderError, match=f"has no {name}"):
        read_folder(folder)


def test_no_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="is not a folder"):
        read_folder(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{", "not JSON"),
        ('{"query": "volume nan", "call": {"name": "f", "arguments": {"level": NaN}}}', "NaN is no JSON number"),
        ('{"query": "volume", "call": {"name": "f", "arguments": {"level": 1e999}}}', "number too large"),
        (json.dumps({"query": "play \ud800", "call": None}), "half a surrogate pair"),
        (json.dumps({"query": "play \0", "call": None}), "NUL character"),
        ("[" * 100_000, "nested too deeply"),
        ('{"query": "play", "call": ' + "[" * 500 + "]" * 500 + "}", "nested too deeply"),
        ("[1]", "not a record"),
        (json.dumps({"query": 5, "call": None}), "not a record"),
        (json.dumps({"query": "play"}), "not a record"),
        (json.dumps({"query": "play", "call": "play_music"}), "no `name`"),
        (json.dumps({"query": "play", "call": {"name": "f", "arguments": [1]}}), "not an object"),
    ],
)
def test_a_malformed_record_is_named_with_its_line(folder: Path, line: str, sentence: str) -> None:
    _write(folder, "valid", json.dumps(CALL), "", line)
    with pytest.raises(FolderError, match=f"valid.jsonl, line 3.*{sentence}"):
        read_folder(folder)


@pytest.mark.parametrize("name", ["train.jsonl", "tools.json"])
def test_a_file_that_cannot_be_read_is_said(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    opens = Path.open

    def refuse(self: Path, *args: Any, **options: Any) -> Any:
        if self.name == name:
            raise PermissionError(13, "Permission denied", str(self))
        return opens(self, *args, **options)

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(FolderError, match=f"{name} cannot be read: Permission denied"):
        read_folder(folder)


@pytest.mark.parametrize("name", ["train.jsonl", "tools.json"])
def test_a_byte_order_mark_and_other_line_ends_do_no_harm(folder: Path, name: str) -> None:
    before = read_folder(folder)
    written = (folder / name).read_bytes()
    (folder / name).write_bytes(b"\xef\xbb\xbf" + written.replace(b"\n", b"\r\n"))
    after = read_folder(folder)
    assert [(one.query, one.call) for one in after.train] == [(one.query, one.call) for one in before.train]
    assert after.tools == before.tools


def test_binary_files_are_said(folder: Path) -> None:
    (folder / "train.jsonl").write_bytes(b"\xff\xfe\x00\x01\n")
    with pytest.raises(FolderError, match="line 1 is not JSON in UTF-8"):
        read_folder(folder)


def test_an_empty_file_is_said(folder: Path) -> None:
    _write(folder, "test")
    with pytest.raises(FolderError, match="holds no record"):
        read_folder(folder)


@pytest.mark.parametrize(
    ("tools", "sentence"),
    [
        ("{}", r"tools\.json: "),
        ("[]", r"tools\.json: "),
        ('[{"type": "function"}]', r"tools\.json: "),
        ("[{", r"tools\.json is not JSON in UTF-8"),
        ("[" * 100_000, r"tools\.json is nested too deeply"),
    ],
)
def test_bad_tools_are_said(folder: Path, tools: str, sentence: str) -> None:
    (folder / "tools.json").write_text(tools)
    with pytest.raises(FolderError, match=sentence):
        read_folder(folder)
