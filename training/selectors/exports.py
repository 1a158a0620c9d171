"""Datasets as JSONL, line by line."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from django.db.models import QuerySet

from training.models import Dataset, DatasetExample

CHUNK = 1000


async def openai_lines(dataset: Dataset, split: str = "") -> AsyncIterator[str]:
    """OpenAI's fine-tuning format: a conversation with its tools on each line.

    Examples without a call are left out: the format wants the assistant's words, and those are not kept.
    """
    # The tools are the same on each line, and long: written out once.
    rest = f', "tools": {json.dumps(dataset.tool_set.tools, ensure_ascii=False)}, "parallel_tool_calls": false}}\n'
    async for example in _examples(dataset, split).exclude(function="").aiterator(chunk_size=CHUNK):
        yield f'{{"messages": {json.dumps(_messages(example), ensure_ascii=False)}{rest}'


async def plain_lines(dataset: Dataset, split: str = "") -> AsyncIterator[str]:
    """All that an example holds; `import_traffic --format pairs` reads it too."""
    async for example in _examples(dataset, split).aiterator(chunk_size=CHUNK):
        yield _line(
            {
                "id": str(example.query_id),
                "query": example.text,
                "call": example.call.as_json() if example.call else None,
                "split": example.split,
                "route": example.route,
                "weight": example.weight,
            }
        )


def _examples(dataset: Dataset, split: str) -> QuerySet[DatasetExample]:
    return dataset.examples.filter(split=split) if split else dataset.examples.all()


def _messages(example: DatasetExample) -> list[dict[str, Any]]:
    arguments = json.dumps(example.arguments, ensure_ascii=False)
    call = {
        "id": f"call_{example.pk}",
        "type": "function",
        "function": {"name": example.function, "arguments": arguments},
    }
    return [{"role": "user", "content": example.text}, {"role": "assistant", "tool_calls": [call]}]


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"
