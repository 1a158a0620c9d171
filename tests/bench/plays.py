"""Traffic of which the right calls are known, for an operator to decide on."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from curation.ml.calls import Call, same_call
from curation.ml.tools import ToolSet, parse_tools
from curation.sample.generator import generate
from curation.sample.log import sample_log
from curation.sample.tools import TOOLS
from training.students.folder import read_folder

END = datetime(2026, 1, 15, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Play:
    """Traffic as log lines, each with its number as the user, and the right call of each."""

    lines: list[dict[str, Any]]
    right: list[Call | None]
    tools: ToolSet

    def is_right(self, number: str, call: Call | None) -> bool:
        return same_call(call, self.right[int(number)], self.tools)


def play_sample(queries: int) -> Play:
    meant = [query.call for query in generate(queries=queries, end=END)]
    lines = [{**line, "client_id": str(number)} for number, line in enumerate(sample_log(queries=queries, end=END))]
    return Play(lines, meant, parse_tools(TOOLS))


def play_folder(folder: Path, slips: float, seed: int) -> Play:
    data, rng = read_folder(folder), random.Random(seed)
    examples = [*data.train, *data.valid]
    rng.shuffle(examples)
    right = [example.call for example in examples]
    made = [rng.choice(right) if rng.random() < slips else call for call in right]
    texts = [example.query for example in examples]
    return Play(list(_lines(texts, made, data.tools)), right, parse_tools(data.tools))


def _lines(texts: Sequence[str], made: Sequence[Call | None], tools: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for number, (text, call) in enumerate(zip(texts, made, strict=True)):
        message: dict[str, Any] = {"role": "assistant", "content": None if call else "I cannot help with that."}
        if call:
            function = {"name": call.name, "arguments": json.dumps(call.arguments)}
            message["tool_calls"] = [{"id": "1", "type": "function", "function": function}]
        yield {
            "timestamp": (END + timedelta(seconds=number)).isoformat(),
            "request": {"model": "large", "messages": [{"role": "user", "content": text}], "tools": tools},
            "response": {"choices": [{"index": 0, "message": message}]},
            "client_id": str(number),
        }
