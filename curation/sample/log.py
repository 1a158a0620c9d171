"""The simulated traffic as a log, so that it comes in by the same door as anybody's."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from curation.sample.answers import SampleTeacher
from curation.sample.generator import SampleQuery, generate
from curation.sample.latency import draw_latency
from curation.sample.tools import TOOLS
from curation.sample.wire import MODEL, completion, count_tokens

_TOOL_TOKENS = count_tokens(TOOLS)


def sample_log(*, seed: int = 7, queries: int = 9000, days: int = 14, end: datetime) -> Iterator[dict[str, Any]]:
    """Simulated requests with the teacher's answers: lines of the `openai` log format, oldest first.

    The same arguments give the same lines. The `tools` of all lines are one and the same list.
    """
    teacher = SampleTeacher(seed)
    latencies = random.Random(seed)
    for query in generate(seed=seed, queries=queries, days=days, end=end):
        yield _line(query, teacher, draw_latency(latencies))


def _line(query: SampleQuery, teacher: SampleTeacher, seconds: float) -> dict[str, Any]:
    messages = [*query.context, {"role": "user", "content": query.text}]
    call = teacher.answer(query.text, query.context)
    answered = int((query.at + timedelta(seconds=seconds)).timestamp())
    return {
        "timestamp": query.at.isoformat(),
        "request": {"model": MODEL, "messages": messages, "tools": TOOLS, "user": query.user_id},
        "response": completion(query.id, answered, call, _TOOL_TOKENS + count_tokens(messages)),
        "latency_ms": round(1000 * seconds, 1),
        "client_id": query.user_id,
    }
