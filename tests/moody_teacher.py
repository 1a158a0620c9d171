"""A teacher that fails as real ones do, with errors, time-outs, 429 and garbage, and that counts what it is asked."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Receive, Scope, Send

from tests.training.gateway.servers import completion

CALL = {"name": "play", "arguments": {"artist": "Can"}}
GARBAGE = (b"<html>502</html>", b'{"choices": []}', b'{"choices": [{"message": {"tool_calls": 7}}]}', b"\x00\xff")
HANGS_SECONDS = 60.0


@dataclass
class MoodyTeacher:
    """Shares of the requests that end badly; the rest is answered after `seconds`."""

    errors: float = 0.0
    hangs: float = 0.0
    garbage: float = 0.0
    too_many: float = 0.0
    retry_after: int = 1
    seconds: float = 0.0
    seed: int = 0
    refused: frozenset[str] = frozenset()
    """Texts that are always answered with the status `refusal`."""
    refusal: int = 400
    fails_at: frozenset[str] = frozenset()
    """Texts that are always answered with 500."""
    down_for: int = 0
    """So many of the first requests are answered with 500."""
    status: int = 200
    """Of every answer, if it is not 200."""
    model: str = ""
    """The only one that it knows; any, if it is empty."""

    answered: Counter[str] = field(default_factory=Counter)
    """How often each text was answered well."""
    moods: Counter[str] = field(default_factory=Counter)
    moments: list[float] = field(default_factory=list)
    tokens: int = 0
    under_way: int = 0
    most_under_way: int = 0
    too_early: int = 0
    """Requests in a time for which it had asked to be left alone, but for those that were on their way."""
    bodies: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)
        self._left_alone: tuple[float, float] = (0.0, 0.0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        more = scope["method"] == "POST"
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        if scope["method"] == "GET" or not scope["path"].endswith("/v1/chat/completions"):
            await _answer(send, 404, b"{}")
            return
        self._count()
        request = json.loads(body)
        try:
            if request["model"] == self.model or not self.model:
                await self._respond(request, receive, send)
            else:
                await _answer(send, 404, b'{"error": {"message": "No such model.", "code": "model_not_found"}}')
        finally:
            self.under_way -= 1

    def _count(self) -> None:
        now = time.monotonic()
        self.moments.append(now)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        since, until = self._left_alone
        self.too_early += since + 0.25 < now < until - 0.05

    async def _respond(self, request: dict[str, Any], receive: Receive, send: Send) -> None:
        self.bodies.append(request)
        text = request["messages"][-1]["content"]
        mood = self._mood(text)
        self.moods[mood] += 1
        wait = HANGS_SECONDS if mood == "hangs" else self.seconds
        if wait and await _client_leaves(receive, wait):
            return
        if mood == "too many":
            now = time.monotonic()
            self._left_alone = (now, now + self.retry_after)
            await _answer(send, 429, b'{"error": {"message": "slow down"}}', str(self.retry_after))
        elif mood == "error":
            await _answer(send, self._rng.choice((500, 502, 503)), b'{"error": {"message": "overloaded"}}')
        elif mood == "refused":
            await _answer(
                send, self.status if self.status != 200 else self.refusal, b'{"error": {"message": "not this"}}'
            )
        elif mood == "garbage":
            await _answer(send, 200, self._rng.choice(GARBAGE))
        else:
            answer = completion("", CALL)
            self.answered[text] += 1
            self.tokens += answer["usage"]["total_tokens"]
            await _answer(send, 200, json.dumps(answer).encode())

    def _mood(self, text: str) -> str:
        if self.status != 200 or text in self.refused:
            return "refused"
        if text in self.fails_at or len(self.moments) <= self.down_for:
            return "error"
        drawn = self._rng.random()
        for mood in ("errors", "hangs", "garbage", "too_many"):
            share: float = getattr(self, mood)
            if drawn < share:
                return {"errors": "error", "too_many": "too many"}.get(mood, mood)
            drawn -= share
        return "well"

    def most_within(self, seconds: float) -> int:
        """The most requests that arrived within any span of so many seconds."""
        most = first = 0
        for last, moment in enumerate(self.moments):
            while self.moments[first] <= moment - seconds:
                first += 1
            most = max(most, last - first + 1)
        return most


async def _client_leaves(receive: Receive, seconds: float) -> bool:
    try:
        await asyncio.wait_for(receive(), seconds)
    except TimeoutError:
        return False
    return True


async def _answer(send: Send, status: int, body: bytes, retry_after: str = "") -> None:
    headers = [(b"content-type", b"application/json")]
    if retry_after:
        headers.append((b"retry-after", retry_after.encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
