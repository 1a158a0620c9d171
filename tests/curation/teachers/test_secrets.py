"""The teacher's key: what can be one."""

from __future__ import annotations

from pathlib import Path

import pytest

from curation.teachers.secrets import SecretError, read_key


def test_a_key_stands_in_its_variable_or_in_the_file_that_another_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("sk-file\n")
    monkeypatch.setenv("KEY_OF_THE_TEST_FILE", str(tmp_path / "key"))
    assert read_key("KEY_OF_THE_TEST") == "sk-file"
    monkeypatch.setenv("KEY_OF_THE_TEST", " sk-variable ")
    assert read_key("KEY_OF_THE_TEST") == "sk-variable"
    assert read_key("") == ""


@pytest.mark.parametrize("key", ["schl\u00fcssel", "sk-\u201c1\u201d", "sk-1\nsk-2"])
def test_what_can_stand_in_no_header_is_refused_in_a_sentence_that_does_not_show_it(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_OF_THE_TEST", key)
    with pytest.raises(SecretError, match=r"^The teacher's API key in KEY_OF_THE_TEST holds characters"):
        read_key("KEY_OF_THE_TEST")
