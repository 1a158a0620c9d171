"""An application's traffic for `faults`: what was sent, what came back, and whose fault it was if it did not."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from tests.bench.stand import body_of
from tests.bench.wire import Answer, Pool, at_times, post

TIMEOUT_SECONDS = 40.0
STREAMS_EVERY = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """One request; `status` is 0 where no whole answer came. Times are of `time.monotonic`."""

    client_id: str
    sent: float
    ended: float
    streams: bool
    status: int = 0
    request_id: str = ""
    route: str = ""
    code: str = ""
    """Of the error envelope."""
    problem: str = ""
    """Why no whole answer came."""

    @property
    def well(self) -> bool:
        return self.status == 200 and not self.problem


class Traffic:
    """Sends requests whether earlier ones have been answered or not; each says in `user` which one it is."""

    def __init__(self, port: int, key: str, tools: list[dict[str, Any]], queries: Sequence[str]) -> None:
        self._port = port
        self._key = key
        self._tools = tools
        self._queries = queries
        self._random = random.Random(0)
        self.outcomes: list[Outcome] = []

    async def send(self, name: str, count: int, rate: float) -> list[Outcome]:
        """So many requests at random times, as many a second as `rate` on average."""
        pool, first = Pool(self._port), len(self.outcomes)
        times = list(accumulate(self._random.expovariate(rate) for _ in range(count)))

        async def ask(number: int) -> None:
            self.outcomes.append(await self._ask(pool, f"{name} {number}", number % STREAMS_EVERY == 0))

        await at_times(times, ask)
        pool.close()
        return self.outcomes[first:]

    async def is_well(self) -> bool:
        """Whether a request would be answered well now; it belongs to no fault."""
        pool = Pool(self._port)
        outcome = await self._ask(pool, f"probe {time.monotonic_ns()}", streams=False)
        pool.close()
        self.outcomes.append(outcome)
        return outcome.well

    async def _ask(self, pool: Pool, client_id: str, streams: bool) -> Outcome:
        text = self._random.choice(self._queries)
        request = post(body_of(text, self._tools, user=client_id, stream=streams), key=self._key)
        sent = time.monotonic()
        try:
            answer = await asyncio.wait_for(pool.ask(request), TIMEOUT_SECONDS)
        except (OSError, TimeoutError) as error:
            problem = f"{type(error).__name__} {error}"
            return Outcome(client_id, sent, time.monotonic(), streams, problem=problem)
        return Outcome(
            client_id,
            sent,
            time.monotonic(),
            streams,
            answer.status,
            answer.header("x-odia-request-id"),
            answer.header("x-odia-route"),
            code_in(answer.body) if answer.status != 200 else "",
            problem_with(answer) if answer.status == 200 else "",
        )


def problem_with(answer: Answer) -> str:
    """What makes an answer of status 200 none."""
    if answer.header("content-type").startswith("text/event-stream"):
        return "" if answer.body.endswith(b"data: [DONE]\n\n") else "the stream broke off"
    try:
        return "" if json.loads(answer.body)["choices"] else "no choices"
    except (ValueError, KeyError, TypeError):
        return "no completion"


def code_in(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return "no envelope"
