"""Lines of any file, in bounded memory."""

import tracemalloc
from pathlib import Path

from curation.logs.lines import LONGEST_LINE, read_lines


def write(folder: Path, content: bytes) -> Path:
    path = folder / "log.jsonl"
    path.write_bytes(content)
    return path


def test_line_ends_and_the_byte_order_mark_are_left_out(tmp_path: Path) -> None:
    path = write(tmp_path, b"\xef\xbb\xbfone\r\ntwo\n\n   \nfive")
    assert list(read_lines(path)) == [(1, b"one"), (2, b"two"), (5, b"five")]


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    assert list(read_lines(write(tmp_path, b""))) == []


def test_the_longest_line_is_kept_and_one_byte_more_is_not(tmp_path: Path) -> None:
    longest = b"x" * (LONGEST_LINE - 1) + b"\n"
    path = write(tmp_path, longest + b"x" + longest + b"last\n")
    assert [(number, line and len(line)) for number, line in read_lines(path)] == [
        (1, LONGEST_LINE - 1),
        (2, None),
        (3, 4),
    ]


def test_a_line_of_50_mb_is_skipped_without_being_kept(tmp_path: Path) -> None:
    path = write(tmp_path, b'{"query": "' + b"x" * 50_000_000 + b'"}\nafter\n')
    tracemalloc.start()
    try:
        lines = list(read_lines(path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert lines == [(1, None), (2, b"after")]
    assert peak < 4 * LONGEST_LINE
