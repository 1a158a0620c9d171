"""The tools of a request and their hashes, computed once for all requests that bring the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from curation.ml.tools import hash_functions, hash_tools
from curation.teachers.storable import problem_with_value

REMEMBERED = 64
LARGEST_REMEMBERED_BYTES = 128 * 1024


@dataclass(frozen=True, slots=True)
class OfferedTools:
    """A tool set as it came. That it is a list is all that is known of it."""

    tools: list[Any]
    sha256: str
    functions: Mapping[str, str]
    """The hash of each function, by name."""


class ToolSetCache:
    """Remembers the latest tool sets by their bytes; huge ones are read anew each time."""

    def __init__(self) -> None:
        self._known: dict[bytes, OfferedTools | None] = {}

    def read(self, raw: msgspec.Raw) -> OfferedTools | None:
        """The tool set; None if it is empty, not a list, or nothing that can be stored."""
        if len(raw) > LARGEST_REMEMBERED_BYTES:
            return _parse(raw)
        content = bytes(raw)
        if content not in self._known:
            if len(self._known) >= REMEMBERED:
                self._known.pop(next(iter(self._known)))
            self._known[content] = _parse(raw)
        return self._known[content]


def _parse(raw: msgspec.Raw) -> OfferedTools | None:
    try:
        tools = msgspec.json.decode(raw, type=list[Any])
        usable = tools and not problem_with_value(tools)
        return OfferedTools(tools, hash_tools(tools), hash_functions(tools)) if usable else None
    except (ValueError, RecursionError):
        return None
