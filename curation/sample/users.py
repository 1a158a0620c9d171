"""Simulated users, who talk to the music assistant through a gateway as an application would."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable

import httpx

from curation.sample.generator import SampleQuery
from curation.sample.tools import TOOLS
from curation.sample.wire import MODEL

TIMEOUT_SECONDS = 60.0


async def talk(base_url: str, key: str, queries: Iterable[SampleQuery], *, at_once: int = 8) -> Counter[str]:
    """Send the queries, a few at once; returns how many came back by each route.

    Raises:
        httpx.HTTPError: the gateway cannot be reached, or refuses a request.
    """
    waiting = iter(queries)
    routes: Counter[str] = Counter()
    headers = {"authorization": f"Bearer {key}"}

    async with httpx.AsyncClient(base_url=base_url, headers=headers, timeout=TIMEOUT_SECONDS) as client:

        async def user() -> None:
            for query in waiting:
                answer = await client.post("/chat/completions", json=_request(query))
                answer.raise_for_status()
                routes[answer.headers.get("x-odia-route", "none")] += 1

        await asyncio.gather(*(user() for _ in range(at_once)))
    return routes


def _request(query: SampleQuery) -> dict[str, object]:
    messages = [*query.context, {"role": "user", "content": query.text}]
    return {"model": MODEL, "messages": messages, "tools": TOOLS, "user": query.user_id}
