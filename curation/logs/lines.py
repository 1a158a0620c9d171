"""Lines of a file, however large the file and each line are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

LONGEST_LINE = 1 << 20
"""Bytes, with the line's end. No more than this of a line is ever kept."""

_SKIPPED_AT_ONCE = 1 << 16

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_lines(path: Path) -> Iterator[tuple[int, bytes | None]]:
    """Number (from 1) and bytes of each line that is not blank, without its end; None for one that is too long.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        number = 0
        while line := file.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                _skip_rest(file, line)
                yield number, None
                continue
            stripped = line.removeprefix(_BYTE_ORDER_MARK if number == 1 else b"").strip(b" \t\r\n")
            if stripped:
                yield number, stripped


def _skip_rest(file: BinaryIO, line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = file.readline(_SKIPPED_AT_ONCE)
