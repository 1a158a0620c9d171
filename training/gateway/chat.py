"""`POST /v1/chat/completions`: the whole way of a request, from its key to the line in the spool."""

from __future__ import annotations

from starlette.types import Receive, Scope, Send

from curation.ml.calls import Call
from training.gateway.access import Access
from training.gateway.answers import completion, completion_stream
from training.gateway.envelope import ApiError, send_body, send_error
from training.gateway.exchange import Asked, Exchange, Stopwatch
from training.gateway.form import BodyLimits, parse_chat, read_body
from training.gateway.forwarding import EVENT_STREAM, Forwarding
from training.gateway.inline import InlineRouter
from training.gateway.limits import RateLimits
from training.gateway.offered_tools import ToolSetCache
from training.gateway.recorder import Recorder
from training.gateway.shadows import Shadows


class ChatCompletions:
    """The endpoint, as an ASGI application: nothing here waits for a database."""

    def __init__(
        self,
        access: Access,
        limits: RateLimits,
        router: InlineRouter,
        forwarding: Forwarding,
        recorder: Recorder,
        shadows: Shadows,
        body_limits: BodyLimits,
    ) -> None:
        self._access = access
        self._limits = limits
        self._router = router
        self._forwarding = forwarding
        self._recorder = recorder
        self._shadows = shadows
        self._body_limits = body_limits
        self._tool_sets = ToolSetCache()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            exchange = await self._decide(scope, receive)
        except ApiError as error:
            self._recorder.refused(error)
            await send_error(send, error)
            return
        self._shadows.follow(exchange)
        decision = exchange.decision
        if decision.inline and decision.call:
            await self._answer(exchange, decision.call, send)
        else:
            await self._forwarding.answer(exchange, scope, receive, send)

    async def _decide(self, scope: Scope, receive: Receive) -> Exchange:
        watch = Stopwatch()
        key, application = self._access.authenticate(scope)
        self._limits.admit(key, watch.arrived_at)
        watch.lap("key")
        chat = parse_chat(await read_body(scope, receive, self._body_limits))
        self._access.check_model(chat.model, application)
        tools = self._tool_sets.read(chat.fields["tools"]) if "tools" in chat.fields else None
        watch.lap("form")
        asked = Asked(watch, application, key.id, chat, tools)
        return Exchange(asked, await self._router.decide(asked))

    async def _answer(self, exchange: Exchange, call: Call, send: Send) -> None:
        self._recorder.record(exchange, 200)
        headers = [(b"x-request-id", str(exchange.id).encode()), *exchange.headers]
        if exchange.chat.streams:
            headers.append((b"cache-control", b"no-cache"))
            await send_body(send, 200, headers, completion_stream(exchange, call), EVENT_STREAM)
        else:
            await send_body(send, 200, headers, completion(exchange, call))
