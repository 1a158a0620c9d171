"""Lines of the spool that could not be shipped, each kept with the reason until it is tried again."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import msgspec

logger = logging.getLogger(__name__)
_encoder = msgspec.json.Encoder()


class RejectedLine(msgspec.Struct):
    """A line that could not be shipped, and why."""

    reason: str
    line: str


def rejection(line: bytes, error: Exception) -> RejectedLine:
    """The line with the first line of what the error says."""
    reason = next(iter(str(error).splitlines()), "") or type(error).__name__
    return RejectedLine(reason, line.decode("utf-8", "replace"))


def write_rejected(path: Path, lines: Sequence[RejectedLine]) -> None:
    """Make these the lines of the file: all of them, or those that were there before. Without lines it goes."""
    if not lines:
        path.unlink(missing_ok=True)
        return
    temporary = path.with_suffix(".new")
    temporary.write_bytes(_encoder.encode_lines(lines))
    temporary.replace(path)
    logger.error(
        "%d records could not be shipped; see %s, and try them again with `ship_spool --rejected`.", len(lines), path
    )


def read_rejected(path: Path) -> list[bytes]:
    """The lines as they stood in the spool."""
    return [line.line.encode() for line in read_rejected_lines(path)]


def read_rejected_lines(path: Path) -> list[RejectedLine]:
    """The lines with their reasons."""
    return [_line_in(text) for text in path.read_bytes().splitlines()]


def count_rejected(path: Path) -> int:
    return path.read_bytes().count(b"\n")


def _line_in(text: bytes) -> RejectedLine:
    try:
        return msgspec.json.decode(text, type=RejectedLine)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return rejection(text + b"\n", error)  # it is no line of ours; it will be rejected again
